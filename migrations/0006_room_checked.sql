-- Second of three: reads all of the history once, while others write. On a big ledger this is what takes its time.

alter table millrace_data.transaction validate constraint room;
alter table millrace_data.attempt validate constraint room;
alter table millrace_data.ending validate constraint room;
alter table millrace_data.begun validate constraint room;
alter table millrace_data.commit validate constraint room;
alter table millrace_data.passed validate constraint room;
