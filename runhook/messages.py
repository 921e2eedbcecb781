"""The messages that callers meet, under one roof: they are protobuf's, and their fields are described in protos/."""

from runhook.delivery.v1.delivery_pb2 import (
    Attempt,
    Delivery,
    DeliveryState,
    Erasure,
    ErasureState,
    Header,
    Recovery,
    RecoveryState,
)
from runhook.delivery.v1.delivery_service_pb2 import GetDeliveryResponse, SendTestResponse
from runhook.delivery.v1.event_pb2 import Event, JobRun, RunStatus
from runhook.subscription.v1.account_pb2 import Account, AccountPlan, ServiceToken
from runhook.subscription.v1.account_service_pb2 import CreateAccountResponse, CreateServiceTokenResponse
from runhook.subscription.v1.subscription_pb2 import DeliverySettings, RetrySchedule, SigningSecret, Subscription
from runhook.subscription.v1.subscription_service_pb2 import (
    ClientCertificate,
    CreateSubscriptionResponse,
    RotateSigningSecretResponse,
)
from runhook.trigger.v1.execution_pb2 import Execution, ExecutionState
from runhook.trigger.v1.plan_pb2 import Plan, Step
from runhook.trigger.v1.run_pb2 import Run, RunState
from runhook.trigger.v1.task_pb2 import ContextParameter, QueueCount, QueueLimit, QueueMode, Task, TaskKind
from runhook.trigger.v1.trigger_pb2 import (
    CallRules,
    CronSchedule,
    DataMode,
    GenericHmac,
    StoredCall,
    Trigger,
    TriggerKind,
    Verification,
    VerificationPreset,
    Window,
    WindowState,
)
from runhook.trigger.v1.trigger_service_pb2 import (
    CreateTriggerResponse,
    FlushWindowResponse,
    GetTriggerResponse,
    RevealTriggerTokenResponse,
)

__all__ = [
    "Account",
    "AccountPlan",
    "Attempt",
    "CallRules",
    "ClientCertificate",
    "ContextParameter",
    "CreateAccountResponse",
    "CreateServiceTokenResponse",
    "CreateSubscriptionResponse",
    "CreateTriggerResponse",
    "CronSchedule",
    "DataMode",
    "Delivery",
    "DeliverySettings",
    "DeliveryState",
    "Erasure",
    "ErasureState",
    "Event",
    "Execution",
    "ExecutionState",
    "FlushWindowResponse",
    "GenericHmac",
    "GetDeliveryResponse",
    "GetTriggerResponse",
    "Header",
    "JobRun",
    "Plan",
    "QueueCount",
    "QueueLimit",
    "QueueMode",
    "Recovery",
    "RecoveryState",
    "RetrySchedule",
    "RevealTriggerTokenResponse",
    "RotateSigningSecretResponse",
    "Run",
    "RunState",
    "RunStatus",
    "SendTestResponse",
    "ServiceToken",
    "SigningSecret",
    "Step",
    "StoredCall",
    "Subscription",
    "Task",
    "TaskKind",
    "Trigger",
    "TriggerKind",
    "Verification",
    "VerificationPreset",
    "Window",
    "WindowState",
]
