-- A recovery may be of one job alone.
--
-- A pod of the release before knows no job_id and would send what all the others failed at, too. It moves after_id and not after_id_by_job,
-- so the second check refuses the transaction of each of its batches, and pods that know of jobs move all of it. What it may still do is
-- right: end one that has nothing left at all, or whose subscription is sent nothing, or that somebody cancels. Where no other pods are,
-- after a roll back, such a recovery stands still and holds up those after it until it is cancelled. A later release, whose
-- predecessor knows of jobs, may drop the column.

alter table delivery.recovery
    add column job_id bigint check (job_id > 0),  -- null: every job
    add column after_id_by_job bigint,            -- after_id once more
    add constraint recovery_of_a_job_is_moved_by_who_knows_of_jobs
        check (job_id is null or after_id_by_job is not distinct from after_id);
