/** The dead letter of a transaction that was retried is redriven by that, unless it failed once more; the view says the same. */

/** SQL: of an open letter `d`. */
export const isRetried = `(d.transaction_id is not null
    and exists (select from millrace_data.round q where q.transaction_id = d.transaction_id and q.from_step is not null)
    and not exists (select from millrace_data.ending e where e.transaction_id = d.transaction_id and e.state in (2, 3)))`
