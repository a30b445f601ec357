// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source
/**
 * Bugs to be planted: each takes one guard away, and something must see that it is gone. `find` stands exactly once in
 * its file; when the code moves on, the harness says which bug has lost its place.
 */

/** What must fail with the bug in place. */
export type Seer = 'simulation' | `test/ledger/${string}`

export interface Bug {
  readonly name: string
  /** What the guard is for. */
  readonly guard: string
  readonly file: string
  readonly find: string
  readonly instead: string
  readonly seenBy: Seer
}

export const bugs: readonly Bug[] = [
  {
    name: 'no epoch check',
    guard: 'a commit of a lane that another coordinator has taken writes nothing',
    file: 'src/ledger/commit.ts',
    find: 'on l.id = r.lane and l.epoch = r.epoch\n  order by',
    instead: 'on l.id = r.lane\n  order by',
    seenBy: 'test/ledger/fence',
  },
  {
    name: 'weaker lock',
    guard: 'who takes a lane away waits for its commit under way',
    file: 'src/ledger/commit.ts',
    find: 'order by l.id for share of l',
    instead: 'order by l.id for key share of l',
    seenBy: 'test/ledger/fence',
  },
  {
    name: 'settle without new epochs',
    guard: 'an unknown COMMIT cannot land after it was looked for',
    file: 'src/ledger/ledger.ts',
    find: 'set epoch = l.epoch + 1 from ours',
    instead: 'set epoch = l.epoch from ours',
    seenBy: 'test/ledger/fence',
  },
  {
    name: 'copies are admitted',
    guard: 'of two copies of an event one starts',
    file: 'src/ledger/commit.ts',
    find: 'and c.transaction_id <> r.id\n',
    instead: 'and false\n',
    seenBy: 'test/ledger/duplicates',
  },
  {
    name: 'copies without a window',
    guard: 'an event like one of long ago is a new one',
    file: 'src/ledger/commit.ts',
    find: 'and excluded.keep_until as stays) s)',
    instead: 'and excluded.keep_until or true as stays) s)',
    seenBy: 'test/ledger/duplicates',
  },
  {
    name: 'a copy leaves rows',
    guard: 'of a copy nothing else is written',
    file: 'src/ledger/commit.ts',
    find: '`${id} <> all(array(select id from copies))`',
    instead: '`(${id} is not null)`',
    seenBy: 'test/ledger/duplicates',
  },
  {
    name: 'leases are not looked at',
    guard: 'a holder that lives is asked before its lane is taken',
    file: 'src/ledger/lanes.ts',
    find: 'l.owner is null or l.session = $5',
    instead: 'true or l.session = $5',
    seenBy: 'test/ledger/lanes',
  },
  {
    name: 'released by anybody',
    guard: 'who lost a lane cannot release it',
    file: 'src/ledger/lanes.ts',
    find: 'where l.id = w.id and l.epoch = w.epoch`,\n    values: [column.int4(lanes.map((lane) => lane.laneId)),',
    instead: 'where l.id = w.id or l.epoch = w.epoch`,\n    values: [column.int4(lanes.map((lane) => lane.laneId)),',
    seenBy: 'test/ledger/lanes',
  },
  {
    name: 'act before commit',
    guard: "a step's result is durable before any later step sees it",
    file: 'src/coordinator/coordinator.ts',
    find: '    const written = await this.#foldDuring(this.#writer.write(entries))\n',
    instead: `    const early: Invocation[] = []
    for (const each of entries) this.#performer.perform(each.lane, each.acts, this.#parts.clock.nowUs(), early)
    this.#performer.dispatch(early)
    const written = (await this.#foldDuring(this.#writer.write(entries))).map((one) => ({
      ...one,
      entries: one.entries.map((each) => ({ ...each, acts: [] })),
    }))
`,
    seenBy: 'simulation',
  },
  {
    name: 'an ambiguous commit is repeated',
    guard: 'a COMMIT whose answer was lost is looked for under a new epoch',
    file: 'src/coordinator/write.ts',
    find: 'error.details.ambiguous === true ? await this.#settle(entries, batch) : null',
    instead: 'null',
    seenBy: 'simulation',
  },
  {
    name: 'a fenced lane acts',
    guard: 'acts follow only for lanes that passed the fence',
    file: 'src/coordinator/write.ts',
    find: 'return { entries: entries.filter((each) => passed.has(each.lane.laneId)), returnedUs, duplicates }',
    instead: 'for (const each of entries) each.lane.closed = false; return { entries, returnedUs, duplicates }',
    seenBy: 'simulation',
  },
  {
    name: 'no order by key',
    guard: 'of one key one runs at a time',
    file: 'src/coordinator/order.ts',
    find: '    if (line) {\n      line.push(standing.id)\n      this.#queued++\n      return false\n    }\n',
    instead: '    if (line) return true\n',
    seenBy: 'simulation',
  },
  {
    name: 'who comes back waits for nobody',
    guard: 'one settled by a person never runs beside another of its key',
    file: 'src/coordinator/order.ts',
    find: '    if (!line) return this.enter(standing)\n',
    instead: '    if (!line || line) return true\n',
    seenBy: 'simulation',
  },
  {
    name: 'holes are not recorded',
    guard: 'every offset is accounted for',
    file: 'src/coordinator/lane.ts',
    find: '    const passed = [...this.#absentBefore(range.fromOffset), { workflowId: null, ...range }]\n',
    instead: '    const passed = this.#absentBefore(range.fromOffset)\n',
    seenBy: 'simulation',
  },
  {
    name: 'a refused record is dropped',
    guard: 'what Postgres will not take becomes a dead letter',
    file: 'src/coordinator/lane.ts',
    find: 'deadLetters: [...kept, ...letters.flatMap((each) => each.deadLetters)],',
    instead: 'deadLetters: kept,',
    seenBy: 'simulation',
  },
  {
    name: 'records read twice',
    guard: 'a record that was read before is refused',
    file: 'src/coordinator/arrivals.ts',
    find: 'if (record.offset < expected) known.push(record)',
    instead: 'if (record.offset < expected - 1e15) known.push(record)',
    seenBy: 'simulation',
  },
  {
    name: 'an outage is a failure',
    guard: 'an outage of Postgres costs no record and no attempt',
    file: 'src/coordinator/write.ts',
    find: "if (error.code === 'ledger_refused') return",
    instead: "if (error.code !== 'ledger_conflict') return",
    seenBy: 'simulation',
  },
  {
    name: 'the second half first',
    guard: "a lane's offset only grows while a refused value is looked for",
    file: 'src/coordinator/write.ts',
    find: `      const first = await this.#write(entries.slice(0, middle), false)
      crashPoint('commit.between-halves')
      return [...first, ...(await this.#write(entries.slice(middle), false))]`,
    instead: `      const second = await this.#write(entries.slice(middle), false)
      return [...(await this.#write(entries.slice(0, middle), false)), ...second]`,
    seenBy: 'simulation',
  },
  {
    name: 'the mark hides open ones',
    guard: 'no open transaction has an id below the low-water mark unless it is parked',
    file: 'src/coordinator/horizon.ts',
    find: '    for (const bucket of this.#buckets.values()) if (bucket.lowId < low) low = bucket.lowId\n',
    instead: '',
    seenBy: 'simulation',
  },
  {
    name: 'parked and not written',
    guard: 'what is open for long is parked in the commit that moves the mark',
    file: 'src/coordinator/lane.ts',
    find: '    if (parked.length > 0) entries.push(',
    instead: '    if (parked.length < 0) entries.push(',
    seenBy: 'simulation',
  },
  {
    name: 'timers are forgotten',
    guard: 'a delay goes on after a takeover',
    file: 'src/transaction/transition.ts',
    find: "    if (progress.state === 'waiting') draft.effects.push(",
    instead: "    if (progress.state === 'waiting' && no < 0) draft.effects.push(",
    seenBy: 'simulation',
  },
  {
    name: 'in doubt is tried again',
    guard: 'a function that is not idempotent is never run again on a guess',
    file: 'src/transaction/retry.ts',
    find: "  if (counted.begun && report.effectUnknown) return { kind: 'in_doubt' }\n",
    instead: '',
    seenBy: 'simulation',
  },
  {
    name: 'begun is forgotten',
    guard: 'what may have run before a takeover is in doubt after it',
    file: 'src/transaction/transition.ts',
    find: '  if (begun >= 0) return lose(draft, stepOf(transaction, begun), event)\n',
    instead:
      "  if (begun >= 0) draft.transaction.steps[begun] = { ...progressOf(transaction, begun), state: 'pending', begun: false }\n",
    seenBy: 'simulation',
  },
  {
    name: 'a key for each attempt',
    guard: 'every attempt of a step has the same idempotency key',
    file: 'src/transaction/advance.ts',
    find: 'idempotencySeed: idempotencySeed(transaction, step.id),',
    instead: 'idempotencySeed: idempotencySeed(transaction, `${step.id}@${progress.attempts + 1}`),',
    seenBy: 'simulation',
  },
  {
    name: 'copies act',
    guard: 'what a copy asked for is not done',
    file: 'src/coordinator/coordinator.ts',
    find: '      acts: each.acts.filter(({ transaction }) => !duplicates.has(transaction.id)),\n',
    instead: '',
    seenBy: 'simulation',
  },
  {
    name: 'what was folded ahead stands',
    guard: 'of what is not admitted after all nothing is done, be it folded already',
    file: 'src/coordinator/lane.ts',
    find: "    return source.kind !== 'event' || !this.#dropped.has(source.before.id)\n",
    instead: "    return source.kind !== 'event' || this.#dropped.size >= 0\n",
    seenBy: 'simulation',
  },
  {
    name: 'a mark that knows too much',
    guard: 'the low-water mark of a repeated commit knows nothing of what was folded meanwhile',
    file: 'src/coordinator/write.ts',
    find: '      knowsAll = false // what was folded meanwhile has moved the lanes on\n',
    instead: '',
    seenBy: 'simulation',
  },
  {
    name: 'a copy keeps its turn',
    guard: 'those behind a copy go on',
    file: 'src/coordinator/lane.ts',
    find: '    this.#drop(copy, atUs)\n',
    instead: '    if (atUs < 0) this.#drop(copy, atUs)\n',
    seenBy: 'simulation',
  },
  {
    name: 'ids from the clock',
    guard: 'an id is the same whoever makes it',
    file: 'src/transaction/ids.ts',
    find: 'admittedMs), JSON.stringify(origin))',
    instead: 'admittedMs), `${JSON.stringify(origin)}${performance.now()}`)',
    seenBy: 'simulation',
  },
  {
    name: 'stranded lanes are left',
    guard: 'what a deleted topic left unfinished is ended',
    file: 'src/coordinator/lanes.ts',
    find: '    this.#lookForStranded()\n',
    instead: '',
    seenBy: 'simulation',
  },
  {
    name: 'a lane of a topic made anew',
    guard: 'records of a topic are not taken for those of a deleted one of its name',
    file: 'src/coordinator/lanes.ts',
    find: ' && this.#recreationsOf(topic) === recreations',
    instead: '',
    seenBy: 'simulation',
  },
  {
    name: 'one lane twice',
    guard: 'a coordinator has one writer for each lane',
    file: 'src/coordinator/lanes.ts',
    find: '    if (this.#holds(ref)) return\n',
    instead: '',
    seenBy: 'simulation',
  },
  {
    name: 'messages published twice',
    guard: 'the outbox asks Kafka how far it came',
    file: 'src/outbox/publisher.ts',
    find: '    if (id === reached.id) this.#position = reached.seq\n',
    instead: '    if (id === "") this.#position = reached.seq\n',
    seenBy: 'simulation',
  },
  {
    name: 'a dead letter of nobody',
    guard: 'of a transaction that is not admitted after all nothing is left',
    file: 'src/coordinator/lane.ts',
    find: 'guilty.deadLetters.filter((letter) => letter.transactionId === null)',
    instead: 'guilty.deadLetters',
    seenBy: 'simulation',
  },
  {
    name: 'who begins after stopping',
    guard: 'a lane that goes to another coordinator begins nothing new',
    file: 'src/coordinator/handover.ts',
    find: '    lane.drain()\n',
    instead: '',
    seenBy: 'simulation',
  },
  {
    name: 'the offset ahead of its rows',
    guard: 'a place in Kafka moves on with the rows of what was read, never before them',
    file: 'src/coordinator/lane.ts',
    find: '      nextOffset: this.#readOffset,\n      transactions:',
    instead: '      nextOffset: this.#expected,\n      transactions:',
    seenBy: 'simulation',
  },
  {
    name: 'marked before it is sent',
    guard: 'a message is marked as published once Kafka has it',
    file: 'src/outbox/publisher.ts',
    find: '      if (!(await this.#send(session, messages))) continue\n',
    instead:
      '      held(await ledger.markPublished(this.#lane, last.seq))\n      if (!(await this.#send(session, messages))) continue\n',
    seenBy: 'simulation',
  },
]
