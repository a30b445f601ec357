/** Every limit of a coordinator, with its unit and its reason. */
export interface CoordinatorLimits {
  /** Transactions that run at once, over all lanes: enough to fill commits and workers, few enough to finish old ones first. */
  readonly runningMax: number
  /** Transactions that stand behind their key, a lane: they are rows, but each costs some memory. */
  readonly queuedMax: number
  /** Of those that stand behind their key, how many a lane keeps in memory whole; of the rest it keeps the id. */
  readonly residentMax: number
  /** Transactions read back from the ledger by one query. */
  readonly loadMax: number
  /** Records folded into one commit, over all lanes: beyond some hundreds a commit only gets longer. */
  readonly recordsPerCommitMax: number
  /** Outcomes and due timers folded into one commit: a whole line behind a key may end at once. */
  readonly eventsPerCommitMax: number
  /** Bytes of rows after which a commit takes in no more: Postgres takes 1 GiB, and an answer within a few seconds is wanted. */
  readonly commitBytesMax: number
  /** Records and bytes a lane holds unread before its partition is paused; it is resumed at half of it. */
  readonly waitingRecordsMax: number
  readonly waitingBytesMax: number
  /** Records at the front of a lane that are prepared beside each other: each may ask a service something. */
  readonly preparingMax: number
  /** What is needed to read a record is found out within this while the services are there, or never, in milliseconds. */
  readonly preparingMsMax: number
  /** A larger value is a dead letter. Kafka's own default for a message is 1 MiB. */
  readonly valueBytesMax: number
  /** First and longest pause between tries while Postgres is away, in milliseconds. */
  readonly outagePauseMs: { readonly first: number; readonly most: number }
  /** A lane that could not be opened is tried again after this; one that was fenced waits the first, so that two who both
   * believe they own it do not duel. First and longest pause, in milliseconds. */
  readonly reopenPauseMs: { readonly first: number; readonly most: number }
  /** Quiet for so long, the last commit's return is written by itself, in milliseconds. */
  readonly completeAfterMs: number
  /** What is told on the way out takes no longer than this, in milliseconds: a server may be away. */
  readonly farewellMs: number
  /** Signs of life of the lanes held, and a look for commands, in milliseconds: a third of a lease at most. */
  readonly renewEveryMs: number
  /** What nobody looks for any more is removed from the ledger so often, in milliseconds. */
  readonly tidyEveryMs: number
  /** Lanes of topics that were deleted and made again are looked for so often, in milliseconds. */
  readonly strandedEveryMs: number
  /** What runs in a lane that goes to another coordinator may take so long to end, in milliseconds. */
  readonly handoverMs: number
  /** A lane that another coordinator still holds is asked for again after this, in milliseconds. */
  readonly askEveryMs: number
}

export const defaultLimits: CoordinatorLimits = {
  runningMax: 2000,
  queuedMax: 1_000_000,
  residentMax: 2000,
  loadMax: 500,
  recordsPerCommitMax: 500,
  eventsPerCommitMax: 5000,
  commitBytesMax: 32 * 1024 * 1024,
  waitingRecordsMax: 2000,
  waitingBytesMax: 16 * 1024 * 1024,
  preparingMax: 200,
  preparingMsMax: 30_000,
  valueBytesMax: 1024 * 1024,
  outagePauseMs: { first: 100, most: 2000 },
  reopenPauseMs: { first: 1000, most: 10_000 },
  completeAfterMs: 250,
  farewellMs: 1000,
  renewEveryMs: 2000,
  tidyEveryMs: 60_000,
  strandedEveryMs: 30_000,
  handoverMs: 2000,
  askEveryMs: 50,
}
