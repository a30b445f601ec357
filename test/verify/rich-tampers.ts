/** As `tampers.ts`, of what is more than a chain: each statement gives back the place that `verify` must name. */
import type { Tamper } from './tampers.ts'

const table = 'millrace_data.'
const stranger = `(left(millrace.first_id(now())::text, 24) || right(gen_random_uuid()::text, 12))::uuid`

/** Of a workflow, in a state, by what its event says; the `nth` of them. */
function one(workflow: string, state: string, odd: string, more = 'true', nth = 1): string {
  return `(select id from millrace.transactions t where workflow = '${workflow}' and state = '${state}'
    and coalesce(event -> 'data' ->> 'odd', '') = '${odd}' and ${more} order by kafka_partition, kafka_offset, id limit 1 offset ${nth})`
}

const billed = `json_array_length(event -> 'data' -> 'parties') = 3`
const done = one('trip', 'completed', '', billed)
const undone = one('trip', 'compensated', 'fails')
const chain = one('chain', 'compensated', 'fails')
const unknown = one('chain', 'compensated', 'late')
const branch = one('trip', 'failed', 'branch')
const stuck = one('trip', 'compensated', 'stuck')
const again = one('trip', 'compensated', 'again')
const cancelled = one('trip', 'cancelled', 'cancelled')
const plain = one('plain', 'failed', 'plain')
const resting = one('resting', 'waiting', '')
const strict = one('strict', 'waiting', '', 'true', 0)
const child = `(select id from millrace.transactions where parent_id = ${done})`
const undoneChild = `(select id from millrace.transactions where parent_id = ${undone})`

/** A step's number, or that of what undoes it. */
function no(id: string, workflow = 'trip', kind = 'forward'): string {
  return `(select (i - 1)::smallint from ${table}version v join ${table}workflow w on w.id = v.workflow_id,
    generate_subscripts(v.step_ids, 1) i where w.name = '${workflow}' and v.step_ids[i] = '${id}'
    and (v.step_kinds[i] is not distinct from 'undo') = ${kind === 'undo'} limit 1)`
}

const of = (id: string) => `where transaction_id = ${id}`
const step = (id: string, step: string, item = '', more = '') =>
  `${of(id)} and step = ${step} and item = '${item}' ${more}`
const as = 'returning transaction_id as id'

function attempt(set: string, where: string): string {
  return `update ${table}attempt set ${set} ${where} ${as}`
}

function without(where: string): string {
  return `delete from ${table}attempt ${where} ${as}`
}

const attemptColumns =
  'transaction_id step attempt item outcome step_state error_code output next_at dispatched_at received_at commit_id resolved_by seq unknown round'
function inserted(changed: Readonly<Record<string, string>>, where: string): string {
  const values = attemptColumns.split(' ').map((column) => changed[column] ?? column)
  return `insert into ${table}attempt (${attemptColumns.replaceAll(' ', ', ')}) select ${values.join(', ')} from ${table}attempt ${where} ${as}`
}

/** Postings are held by triggers. */
const free = `set local session_replication_role = replica;`
const last = (id: string) => `(select max(seq) from ${table}attempt ${of(id)})`

type Row = readonly [name: string, sql: string, kind: string]

const steps: readonly Row[] = [
  ['a step inside of a branch', without(step(done, no('user'))), 'place_differs'],
  ['the last step settled', without(step(done, no('last'))), 'completed_early'],
  ['an item’s step', without(step(done, no('bill'), '1')), 'step_missing'],
  ['a chain’s step of before an undone one', without(step(chain, no('two', 'chain'))), 'step_missing'],
].map(([name, sql, kind]) => [`attempt of ${name} deleted`, sql, kind] as Row)

const changed: readonly Row[] = [
  ['item, to another one', attempt(`item = '7'`, step(done, no('bill'), '1')), 'step_missing'],
  ['item, to none', attempt(`item = ''`, step(done, no('bill'), '1')), 'item_wrongly'],
  ['item, to one too deep', attempt(`item = '1.1'`, step(done, no('bill'), '1')), 'item_wrongly'],
  ['step, to one that there is not', attempt(`step = 99`, step(done, no('last'))), 'no_such_step'],
  ['attempt', attempt(`attempt = 2`, step(done, no('deep'), '1.0')), 'attempt_missing'],
  [
    'step_state, to open',
    attempt(`outcome = 2, step_state = null, next_at = now(), seq = null`, step(done, no('nap'))),
    'before_settled',
  ],
  [
    'state of a block, to failed',
    attempt(`outcome = 3, step_state = 3, error_code = 'declined'`, step(done, no('check'))),
    'join_differs',
  ],
  ['outcome of a wait, to timeout', attempt(`outcome = 4, step_state = 3`, step(done, no('call'))), 'outcome_differs'],
  ['seq', attempt(`seq = seq + 1000`, step(done, no('last'))), 'place_differs'],
  ['seq, taken away', attempt(`seq = null`, step(done, no('user'))), 'place_differs'],
  ['seq, given to one of a chain', attempt(`seq = 1`, step(chain, no('one', 'chain'))), 'place_differs'],
  [
    'commit, to that of what is before it',
    attempt(`commit_id = (select commit_id from ${table}transaction where id = transaction_id)`, step(done, no('nap'))),
    'too_early',
  ],
  ['round', attempt('round = 2', step(done, no('nap'))), 'row_of_other_round'],
  ['unknown, of one that ended well', attempt('unknown = true', step(done, no('reserve'))), 'outcome_differs'],
  ['unknown, taken away', attempt('unknown = null', `${step(unknown, no('two', 'chain'))}`), 'undone_nothing'],
].map(([name, sql, kind]) => [`attempt’s ${name} changed`, sql, kind] as Row)

const swapped = (id: string, a: string, b: string) => `
  update ${table}attempt set seq = -seq ${of(id)} and step in (${a}, ${b}) and seq is not null;
  update ${table}attempt x set seq = -y.seq, commit_id = y.commit_id from ${table}attempt y
  where x.transaction_id = ${id} and y.transaction_id = x.transaction_id and x.item = '' and y.item = ''
    and ((x.step = ${a} and y.step = ${b}) or (x.step = ${b} and y.step = ${a})) returning x.transaction_id as id`

const blocks: readonly Row[] = [
  ['the row of a block', without(step(done, no('route'))), 'step_missing'],
  [
    'rows of the last item',
    `delete from ${table}attempt ${of(done)} and (item = '2' or item like '2.%') ${as}`,
    'place_differs',
  ],
  [
    'an item’s row added beyond the last',
    inserted(
      {
        item: `'3'`,
        seq: `${last(done)} + 1`,
        commit_id: '(select commit_id from millrace_data.ending e where e.transaction_id = attempt.transaction_id)',
      },
      step(done, no('bill'), '2'),
    ),
    'after_block',
  ],
  [
    'output of a forEach made shorter',
    `update ${table}attempt set output = '[1,2]' ${step(done, no('bill_all'))} ${as}`,
    'item_beyond',
  ],
  [
    'output of a forEach made longer',
    `update ${table}attempt set output = '[1,2,3,4]' ${step(done, no('bill_all'))} ${as}`,
    'item_missing',
  ],
  [
    'a step of a branch failed under a block that ended well',
    attempt(`outcome = 3, step_state = 3, error_code = 'declined', output = null`, step(done, no('user'))),
    'join_differs',
  ],
  ['a block skipped', attempt('attempt = 0, outcome = 0, step_state = 2', step(done, no('check'))), 'inside_skipped'],
  [
    'a block before what it holds',
    swapped(
      done,
      no('route'),
      `(select step from ${table}attempt ${of(done)} and step > ${no('route')} and step < ${no('nap')})`,
    ),
    'after_block',
  ],
  [
    'a second case of a switch',
    inserted(
      {
        step: `case step when ${no('even')} then ${no('odd')} else ${no('even')} end`,
        seq: `${last(done)} + 1`,
        commit_id: '(select commit_id from millrace_data.ending e where e.transaction_id = attempt.transaction_id)',
      },
      `${of(done)} and step in (${no('even')}, ${no('odd')})`,
    ),
    'after_block',
  ],
].map(([name, sql, kind]) => [`block: ${name}`, sql, kind] as Row)

const endings: readonly Row[] = [
  ['ending deleted', `delete from ${table}ending ${of(done)} ${as}`, 'open_though_done'],
  ['ending of a failed one deleted', `delete from ${table}ending ${of(branch)} ${as}`, 'failure_ignored'],
  [
    'ending’s state, completed to compensated',
    `update ${table}ending set state = 3, error_code = 'declined' ${of(done)} ${as}`,
    'failed_without_step',
  ],
  [
    'ending’s state, completed to failed',
    `update ${table}ending set state = 2, error_code = 'declined' ${of(done)} ${as}`,
    'failed_without_step',
  ],
  [
    'ending’s state, compensated to completed',
    `update ${table}ending set state = 1, error_code = null ${of(undone)} ${as}`,
    'failure_ignored',
  ],
  [
    'ending’s state, compensated to failed',
    `update ${table}ending set state = 2 ${of(undone)} ${as}`,
    'failed_though_undone',
  ],
  [
    'ending’s state, compensated to cancelled',
    `update ${table}ending set state = 4, error_code = 'cancelled' ${of(undone)} ${as}`,
    'error_differs',
  ],
  [
    'ending’s state, cancelled to compensated',
    `update ${table}ending set state = 3 ${of(cancelled)} ${as}`,
    'error_differs',
  ],
  [
    'ending’s state, failed to compensated',
    `update ${table}ending set state = 3 ${of(branch)} ${as}`,
    'nothing_undone',
  ],
  [
    'ending’s state, of a chain that failed, to compensated',
    `update ${table}ending set state = 3 where transaction_id = (
     select id from millrace.transactions where workflow = 'trip' and state = 'failed' limit 1) ${as}`,
    'nothing_undone',
  ],
  ['ending’s error_code', `update ${table}ending set error_code = 'other' ${of(undone)} ${as}`, 'error_differs'],
  [
    'ending’s error_code, of one that did not turn',
    `update ${table}ending set error_code = 'other' ${of(branch)} ${as}`,
    'error_differs',
  ],
  [
    'ending’s commit',
    `update ${table}ending set commit_id = (select min(commit_id) from ${table}attempt a where a.transaction_id = ending.transaction_id) ${of(done)} ${as}`,
    'after_end',
  ],
  ['turn deleted', `delete from ${table}turn ${of(undone)} ${as}`, 'turn_missing'],
  ['turn of a chain deleted', `delete from ${table}turn ${of(chain)} ${as}`, 'turn_missing'],
  [
    'turn inserted for a completed one',
    `insert into ${table}turn select ${done}, 1, 'x', 'x', false, now(), commit_id from ${table}ending ${of(done)} ${as}`,
    'completed_though_turned',
  ],
  ['turn’s code', `update ${table}turn set code = 'other' ${of(undone)} ${as}`, 'error_differs'],
  ['turn’s round', `update ${table}turn set round = 7 ${of(undone)} ${as}`, 'turn_of_no_round'],
  ['turn’s is_cancel', `update ${table}turn set is_cancel = false ${of(cancelled)} ${as}`, 'error_differs'],
  [
    'turn of no transaction',
    `update ${table}turn set transaction_id = ${stranger} ${of(undone)} ${as}`,
    'round_of_none',
  ],
]

const compensations: readonly Row[] = [
  ['a compensation’s row deleted', without(step(chain, no('one', 'chain', 'undo'))), 'not_undone'],
  [
    'the last compensation’s row deleted',
    `delete from ${table}attempt a ${of(undone)} and seq = (select max(seq) from ${table}attempt ${of(undone)}) ${as}`,
    'not_undone',
  ],
  [
    'a compensation that failed made to end well',
    `update ${table}attempt set outcome = 1, step_state = 1, error_code = null ${of(stuck)} and step = ${no('reserve', 'trip', 'undo')} and step_state = 3 ${as}`,
    'after_settled',
  ],
  [
    'a compensation inserted for a completed one',
    inserted(
      {
        step: no('reserve', 'trip', 'undo'),
        seq: `${last(done)} + 1`,
        commit_id: '(select commit_id from millrace_data.ending e where e.transaction_id = attempt.transaction_id)',
      },
      step(done, no('reserve')),
    ),
    'undone_without_turn',
  ],
  [
    'compensations in another order',
    swapped(undone, no('own', 'trip', 'undo'), no('reserve', 'trip', 'undo')),
    'undone_in_disorder',
  ],
  [
    'compensations of a chain in another order',
    `update ${table}attempt set commit_id = commit_id + 1 ${step(chain, no('three', 'chain', 'undo'))};
     update ${table}attempt set commit_id = (select min(commit_id) from ${table}turn ${of(chain)}) ${step(chain, no('one', 'chain', 'undo'))} ${as}`,
    'undone_in_disorder',
  ],
  [
    'its step skipped',
    attempt(`attempt = 0, outcome = 0, step_state = 2, output = null`, `${step(chain, no('three', 'chain'))}`),
    'undone_nothing',
  ],
  [
    'a compensation’s state, to failed',
    attempt(`outcome = 3, step_state = 3, error_code = 'declined'`, step(chain, no('one', 'chain', 'undo'))),
    'not_undone',
  ],
]

const rounds: readonly Row[] = [
  ['round deleted', `delete from ${table}round ${of(plain)} ${as}`, 'not_of_chain'],
  ['round of one that called others deleted', `delete from ${table}round ${of(again)}`, 'transaction_moved'],
  ['round’s number', `update ${table}round set round = 5 ${of(plain)} ${as}`, 'round_missing'],
  [
    'round’s step, to one inside of a block',
    `update ${table}round set from_step = ${no('site')} ${of(again)} ${as}`,
    'round_differs',
  ],
  [
    'round’s former end, to completed',
    `update ${table}round set state = 1, error_code = null ${of(plain)} ${as}`,
    'round_differs',
  ],
  ['round’s former error', `update ${table}round set error_code = 'other' ${of(again)} ${as}`, 'round_differs'],
  [
    'round’s commit, to one after its rows',
    `update ${table}round set commit_id = commit_id + 3000 ${of(plain)} ${as}`,
    'row_of_other_round',
  ],
  [
    'round of no transaction',
    `update ${table}round set transaction_id = ${stranger} ${of(plain)} ${as}`,
    'round_of_none',
  ],
]

const children: readonly Row[] = [
  [
    'called transaction deleted',
    `with gone as (delete from ${table}transaction where id = ${child} returning id, parent_id), x as (
       delete from ${table}attempt where transaction_id = (select id from gone)), o as (
       delete from ${table}outbox where transaction_id = (select id from gone))
     delete from ${table}ending e using gone where e.transaction_id = gone.id returning gone.parent_id as id`,
    'child_missing',
  ],
  [
    'caller changed',
    `update ${table}transaction set parent_id = ${undone} where id = ${child} returning id`,
    'transaction_moved',
  ],
  [
    'calling step changed',
    `update ${table}transaction set parent_step = 0 where id = ${child} returning id`,
    'transaction_moved',
  ],
  [
    'called one’s item changed',
    `update ${table}transaction set parent_item = '1' where id = ${child} returning id`,
    'transaction_moved',
  ],
  [
    'called one’s offset changed',
    `update ${table}transaction set kafka_offset = kafka_offset + 1 where id = ${child} returning id`,
    'parent_differs',
  ],
  [
    'called one’s workflow changed',
    `update ${table}transaction set version_id = (select v.id from ${table}version v join ${table}workflow w on w.id = v.workflow_id where w.name = 'plain') where id = ${child} returning id`,
    'step_missing',
  ],
  ['called one’s key', `update ${table}transaction set key = 'x' where id = ${child} returning id`, 'parent_differs'],
  [
    'called one’s end, to failed',
    `update ${table}ending set state = 2, error_code = 'x' ${of(child)} ${as}`,
    'failed_without_step',
  ],
  [
    'call’s output',
    `update ${table}attempt set output = '{"n":"other"}' ${step(done, no('sub'))} ${as}`,
    'output_differs',
  ],
  ['called one’s end deleted', `delete from ${table}ending ${of(child)} ${as}`, 'open_though_done'],
  ['undone called one’s round deleted', `delete from ${table}round ${of(undoneChild)} ${as}`, 'turn_of_no_round'],
]

const rest = (where: string) =>
  `where (transaction_id, step) in (select transaction_id, step from ${table}rest ${where} limit 1)`
/** Nobody but it is beyond the lane's mark. */
const unlowered = (id: string) => `
  insert into ${table}parked select t.id, t.lane_id from ${table}transaction t
  where t.id <> ${id} and not exists (select from ${table}ending e where e.transaction_id = t.id) on conflict do nothing;
  delete from ${table}parked ${of(id)};
  update ${table}lane_progress set low_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff';`
const rests: readonly Row[] = [
  ['rest deleted', `${unlowered(resting)} delete from ${table}rest ${of(resting)} ${as}`, 'unreachable'],
  ['rest of a strict one deleted', `${unlowered(strict)} delete from ${table}rest ${of(strict)} ${as}`, 'unreachable'],
  [
    'rest that says that it is not alone',
    `update ${table}rest set is_alone = false where (transaction_id, step) = (
     select transaction_id, min(step) from ${table}rest where topic is null group by 1 limit 1) ${as}`,
    'alone_differs',
  ],
  [
    'rest inserted for a completed one',
    `insert into ${table}rest select ${done}, ${no('nap')}, '', lane_id, now(), now(), true, false from ${table}transaction where id = ${done} ${as}`,
    'rest_of_none',
  ],
  ['rest’s step', `update ${table}rest set step = 0 ${rest(of(resting))} ${as}`, 'rest_of_none'],
  ['rest’s item', `update ${table}rest set item = '1' ${rest(of(resting))} ${as}`, 'rest_of_none'],
  [
    'rest’s lane',
    `update ${table}rest set lane_id = (select max(id) from ${table}lane l where l.id <> lane_id) ${rest(of(resting))} ${as}`,
    'rest_of_none',
  ],
  [
    'rest’s transaction',
    `update ${table}rest set transaction_id = ${stranger} ${rest(of(strict))} ${as}`,
    'rest_of_none',
  ],
  ['rest’s key', `update ${table}rest set key = 'x' ${rest(of(resting))} ${as}`, 'rest_differs'],
  [
    'rest’s topic',
    `update ${table}rest set topic = 'x', key_hash = millrace_data.key_hash('x', key) ${rest(of(resting))} ${as}`,
    'rest_differs',
  ],
  [
    'rest’s workflow',
    `update ${table}rest set workflow_id = workflow_id + 1 ${rest(of(resting))} ${as}`,
    'rest_differs',
  ],
  ['rest’s not_before', `update ${table}rest set not_before = now() ${rest(of(resting))} ${as}`, 'rest_differs'],
  ['rest’s strictness', `update ${table}rest set is_strict = true ${rest(of(resting))} ${as}`, 'rest_differs'],
  [
    'rest’s due_at',
    `update ${table}rest set due_at = since_at - interval '1 s' ${rest(of(strict))} ${as}`,
    'due_differs',
  ],
  [
    'rest’s step ended',
    `insert into ${table}attempt (transaction_id, step, attempt, outcome, step_state, seq, commit_id)
     select transaction_id, step, 1, 1, 1, 2, (select max(commit_id) from ${table}attempt a where a.transaction_id = r.transaction_id) from ${table}rest r ${of(resting)} ${as}`,
    'rest_over',
  ],
  [
    'look of none',
    `insert into ${table}look (transaction_id, step, lane_id) select id, 1, lane_id from ${table}transaction where id = ${done} ${as}`,
    'look_of_none',
  ],
]

const taken = (id: string) => `${of(id)} and commit_id is not null`
const signal = `(select id from ${table}signal where take_first order by id limit 1 offset 5)`
const signals: readonly Row[] = [
  ['kept event deleted', `delete from ${table}signal where id = ${signal} returning kafka_offset as at`, 'missing'],
  [
    'kept event inserted twice',
    `insert into ${table}signal select ${stranger}, lane_id, workflow_id, kafka_offset, key, key_hash, at, keep_until, received_at, take_first, event, commit_id
     from ${table}signal where id = ${signal} returning id`,
    'signal_moved',
  ],
  ...(
    [
      ['offset', 'kafka_offset = kafka_offset + 1', 'signal_moved'],
      ['workflow', 'workflow_id = workflow_id + 1', 'signal_moved'],
      ['received_at', `received_at = received_at - interval '5 ms'`, 'signal_time'],
      ['key', `key = 'x'`, 'key_differs'],
      ['key’s hash', 'key_hash = 7', 'signal_differs'],
      [
        'key, with its hash',
        `key = 'x', key_hash = millrace_data.key_hash((select topic from millrace.signals s where s.id = signal.id), 'x')`,
        'key_differs',
      ],
      ['at', `at = at - interval '1 s'`, 'signal_differs'],
      ['keep_until', `keep_until = keep_until + interval '1 s'`, 'signal_differs'],
      ['take_first', 'take_first = false', 'signal_differs'],
      ['commit', 'commit_id = 4242', 'commit_missing'],
    ] as const
  ).map(
    ([name, set, kind]) =>
      [`kept event’s ${name}`, `update ${table}signal set ${set} where id = ${signal} returning id`, kind] as Row,
  ),
  [
    'kept event’s event',
    `update ${table}signal set event = replace(event, '"n":', '"n":1') where id = (
     select s.id from ${table}signal s where not exists (select from ${table}taken k where k.signal_id = s.id) order by id limit 1) returning id`,
    'value_differs',
  ],
  [
    'no key passed as a kept event’s',
    `update ${table}passed set reason = 1 where reason = 9 returning from_offset as at`,
    'passed_wrongly',
  ],
  ['taken event deleted', `delete from ${table}taken ${taken(done)} ${as}`, 'taken_missing'],
  [
    'taken event’s signal',
    `update ${table}taken set signal_id = (select s.id from ${table}signal s where s.take_first and not exists (
     select from ${table}taken k where k.signal_id = s.id) limit 1) ${taken(done)} ${as}`,
    'taken_differs',
  ],
  [
    'taken event’s signal, to none',
    `update ${table}taken set signal_id = ${stranger} ${taken(done)} ${as}`,
    'taken_of_none',
  ],
  ['taken event’s step', `update ${table}taken set step = 0 ${taken(done)} ${as}`, 'taken_of_none'],
  [
    'taken event taken by another, too',
    `insert into ${table}taken (signal_id, transaction_id, step, is_only, commit_id)
     select signal_id, ${one('trip', 'completed', '', billed, 2)}, step, false, (select commit_id from ${table}attempt a where a.transaction_id = ${one('trip', 'completed', '', billed, 2)} and a.step = k.step)
     from ${table}taken k ${taken(done)} ${as}`,
    'taken_differs',
  ],
  [
    'taken event too old',
    `update ${table}signal set at = at - interval '3 h', keep_until = keep_until - interval '3 h' where id = (
     select signal_id from ${table}taken ${taken(done)}); select ${done} as id`,
    'taken_too_old',
  ],
  [
    'untold event of none',
    `insert into ${table}untold (signal_id, lane_id) select ${stranger}, lane_id from ${table}signal where id = ${signal} returning signal_id as id`,
    'untold_wrongly',
  ],
  [
    'untold event of another lane',
    `insert into ${table}untold (signal_id, lane_id) select id, lane_id + 1 from ${table}signal where id = ${signal} returning signal_id as id`,
    'untold_wrongly',
  ],
  [
    'pause that ended before it began',
    `insert into ${table}pause (engine_id, workflow_id, paused_by, paused_at, resumed_by, resumed_at)
     select l.engine_id, s.workflow_id, 'a', now(), 'a', now() - interval '1 h' from ${table}signal s join ${table}lane l on l.id = s.lane_id
     where s.id = ${signal} returning id`,
    'pause_differs',
  ],
  ['output of a wait', `update ${table}attempt set output = '{}' ${step(done, no('call'))} ${as}`, 'taken_differs'],
]

const money: readonly Row[] = (
  [
    ['posting deleted', `delete from ${table}posting ${step(done, no('reserve'))} and n = 0 ${as}`, 'posting_missing'],
    [
      'posting of an undone step deleted',
      `delete from ${table}posting ${step(undone, no('reserve'))} and n = 1 ${as}`,
      'reversal_differs',
    ],
    [
      'reversal deleted',
      `delete from ${table}posting ${of(undone)} and reverses_step = ${no('reserve')} and reverses_n = 1 ${as}`,
      'not_reversed',
    ],
    [
      'posting inserted',
      `insert into ${table}posting select transaction_id, 0, attempt, item, 0, engine_id, debit, credit, amount, currency, party, null, null, null, null, at, commit_id
       from ${table}posting ${step(done, no('reserve'))} and n = 0 ${as}`,
      'posting_of_none',
    ],
    [
      'posting’s amount',
      `update ${table}posting set amount = amount + 1 ${step(undone, no('reserve'))} and n = 0 ${as}`,
      'reversal_differs',
    ],
    [
      'posting’s account',
      `update ${table}posting set credit = 'other' ${step(undone, no('reserve'))} and n = 0 ${as}`,
      'reversal_differs',
    ],
    [
      'posting’s currency',
      `update ${table}posting set currency = 'USD' ${step(undone, no('reserve'))} and n = 0 ${as}`,
      'reversal_differs',
    ],
    [
      'posting’s item',
      `update ${table}posting set item = '9' ${step(done, no('bill'), '1')} and n = 1 ${as}`,
      'posting_of_none',
    ],
    [
      'posting’s commit',
      `update ${table}posting set commit_id = commit_id + 1 ${step(done, no('reserve'))} and n = 0 ${as}`,
      'posting_of_none',
    ],
    [
      'posting’s engine',
      `update ${table}posting set engine_id = 77 ${step(done, no('reserve'))} and n = 1 ${as}`,
      'posting_elsewhere',
    ],
    [
      'posting of what gives back itself',
      `update ${table}posting set amount = amount - 1 ${step(undone, no('own', 'trip', 'undo'))} ${as}`,
      'net_differs',
    ],
    ['charge deleted', `delete from ${table}charge ${step(done, no('reserve'))} ${as}`, 'charge_missing'],
    ['charge’s key', `update ${table}charge set charge_key = 'x' ${step(done, no('reserve'))} ${as}`, 'charge_missing'],
    [
      'charge of a reversed posting',
      `insert into ${table}charge select engine_id, charge_key, transaction_id, step, attempt, item, n, commit_id
       from ${table}posting ${step(undone, no('reserve'))} and n = 0 ${as}`,
      'charge_of_none',
    ],
    [
      'balances of what was pruned',
      `insert into ${table}carried values (1, 'cash', 'EUR', 100, 0)`,
      'carried_unbalanced',
    ],
  ] as const
).map(([name, sql, kind]) => [name, `${free}${sql}`, kind] as Row)

const others: readonly Row[] = [
  [
    'cancel’s command deleted',
    `delete from ${table}command where kind = 'cancel' and target = ${cancelled} returning target as id`,
    'cancelled_by_nobody',
  ],
  [
    'cancel’s command given to another',
    `update ${table}command set target = ${done} where kind = 'cancel' and target = ${cancelled} returning id`,
    'cancel_without_effect',
  ],
  [
    'retry’s command deleted',
    `delete from ${table}command where kind = 'retry' and target = ${again} returning target as id`,
    'reopened_by_nobody',
  ],
  [
    'retry’s command made a compensate',
    `update ${table}command set kind = 'compensate' where kind = 'retry' and target = ${again} returning id`,
    'reopen_without_effect',
  ],
  [
    'message of an item deleted',
    `delete from ${table}outbox where id = (
     select id from ${table}outbox ${of(done)} and step = ${no('bill')} order by seq limit 1) ${as}`,
    'message_missing',
  ],
  [
    'message of an undone one’s end deleted',
    `delete from ${table}outbox ${of(undone)} and step is null ${as}`,
    'message_missing',
  ],
  [
    'message of a second round’s end deleted',
    `delete from ${table}outbox where id = (select id from ${table}outbox ${of(again)} and step is null order by seq desc limit 1) ${as}`,
    'message_missing',
  ],
  [
    'message of an item given to another step',
    `update ${table}outbox set step = ${no('reserve')}, n = 0 where id = (
     select id from ${table}outbox ${of(done)} and step = ${no('bill')} order by seq limit 1) returning id`,
    'message_differs',
  ],
  [
    'message of an item with another id',
    `update ${table}outbox set id = ${stranger} where id = (
     select id from ${table}outbox ${of(done)} and step = ${no('bill')} order by seq limit 1) returning id`,
    'message_differs',
  ],
  [
    'kinds of steps',
    `update ${table}version set step_kinds[2] = 'sleep' where step_kinds is not null and cardinality(step_ids) > 15 returning id`,
    'steps_differ',
  ],
  ['dead letter of a failed one deleted', `delete from ${table}dead_letter ${of(branch)} ${as}`, 'letter_missing'],
  [
    'dead letter of a failed one given to a completed one',
    `update ${table}dead_letter set transaction_id = ${done} ${of(branch)} returning id`,
    'letter_moved',
  ],
]

const chains: readonly Row[] = [
  ['item', `item = '1'`],
  ['seq', 'seq = 1'],
  ['unknown', 'unknown = true'],
  ['round', 'round = 2'],
].map(([name, set]) => [
  `${name} of a chain’s attempt`,
  attempt(set as string, step(one('plain', 'completed', ''), '1')),
  'not_of_chain',
])

export const richTampers: readonly Tamper[] = [
  ...steps,
  ...changed,
  ...blocks,
  ...endings,
  ...compensations,
  ...rounds,
  ...children,
  ...rests,
  ...signals,
  ...money,
  ...others,
  ...chains,
].map(([name, sql, kind]) => ({ name, sql, kind }))
