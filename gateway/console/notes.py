"""What a page says of the change that led to it: `visit.redirect(path, done="paused")` and the sentence here.

Invariant: only these sentences are ever shown, whatever a link says.
"""

NOTES = {
    "signed_out": "You have signed out.",
    "session_ended": "Your session has ended, or its token is no longer valid. Sign in again.",
    "webhook_changed": "Saved.",
    "webhook_paused": "Paused. Nothing that is published from now on is sent to it.",
    "webhook_resumed": "Active again. What is published from now on is sent to it.",
    "webhook_deleted": "Deleted. Nothing more is sent to it.",
    "secret_promoted": "The new secret is the only one now.",
    "headers_changed": "The custom headers are saved.",
    "delivery_settings_changed": "The delivery settings are saved.",
    "certificate_removed": "The client certificate is gone.",
    "redelivered": "Back in the queue: the same event, byte for byte, as further attempts.",
    "recovery_cancelled": "Cancelled. What is back in the queue is delivered.",
    "certificate_changed": "The client certificate is saved.",
    "task_made": "The task is made. A trigger starts it by calls, a schedule or at a moment; or start it by hand below.",
    "task_changed": "Saved. What waits or runs goes on as it was.",
    "task_copied": "This is the copy, without triggers. Nothing starts it yet.",
    "task_deleted": "The task is deleted.",
    "plan_made": "The plan is made.",
    "plan_changed": "Saved. What waits or runs goes on as it was.",
    "plan_copied": "This is the copy, without triggers. Nothing starts it yet.",
    "plan_deleted": "The plan is deleted.",
    "target_paused": "Paused. Calls are taken and windows close; executions wait.",
    "target_resumed": "Resumed. What waited goes on.",
    "trigger_made": "The trigger is made.",
    "trigger_changed": "Saved. It holds for all calls within five seconds.",
    "trigger_enabled": "Enabled.",
    "trigger_disabled": "Disabled.",
    "trigger_deleted": "The trigger is deleted.",
    "verification_changed": "Saved. It holds for all calls within five seconds.",
    "window_flushed": "The window is closed. This is what it set going.",
    "execution_started": "Started. This is the execution.",
    "execution_cancelled": "Cancelled.",
}
