/** Every bound a workflow file is held to, with its unit and its reason, in one place. */
const second = 1000
const hour = 3600 * second
const day = 24 * hour

export const limits = {
  /** UTF-8 bytes of one file. The source is stored with its first transaction and parsed at every takeover. */
  fileBytesMax: 256 * 1024,
  /** UTF-8 bytes of a schema file that a workflow names: it is stored with the workflow's source. */
  schemaBytesMax: 128 * 1024,
  /** Fields of a CSV line that are named. */
  columnsMax: 1000,
  /** Kafka's longest topic, and what people put around it. */
  subjectCharsMax: 400,
  /** Nesting of maps and lists in a file: the parser behind it recurses, and an input deeper than this is no input. */
  depthMax: 64,
  /** Steps of one workflow, nested ones included: each is a row of the ledger per transaction. */
  stepsMax: 500,
  /** Blocks around a step: what is nested deeper than this belongs in a workflow of its own, which `call` runs. */
  nestingMax: 8,
  /** Branches of a `parallel`, cases of a `switch`. */
  branchesMax: 100,
  /** Items of a `forEach`: each is at least one row, and all of them are in memory while it runs. */
  itemsMax: 10_000,
  /** Items that run at once. */
  atOnceMax: 1000,
  /** Characters of what a block gives: each item's output is there a second time. */
  blockOutputCharsMax: 1024 * 1024,
  /** Characters of the key that a step waits for: it is indexed. */
  signalKeyCharsMax: 1024,
  /** Characters of a workflow's name or a step's id: they are metric labels, columns and parts of ids. */
  nameCharsMax: 63,
  /** Characters of a function's name: a path inside of `functions/`. */
  usesCharsMax: 200,
  /** Kafka's own bound for a topic's name, so that its log folder stays a legal file name. */
  topicCharsMax: 249,
  /** Characters of a CloudEvents type. */
  typeCharsMax: 255,
  /** Characters of one CEL expression: longer logic belongs in a function. */
  expressionCharsMax: 4096,
  /** Nodes of one CEL expression's tree. */
  expressionNodesMax: 2000,
  /** Attempts of a step, the first included. */
  attemptsMax: 100,
  /** How long one attempt may run. Its process is killed then; what takes longer is to be cut into steps. */
  stepTimeoutMs: { min: 1, max: day },
  /** From admission to the end of a transaction. */
  workflowTimeoutMs: { min: 1, max: 365 * day },
  /** The wait before the second attempt, and the longest wait between two. */
  retryDelayMs: { min: 1, max: day },
  /** From the first attempt of a step to the last one begun. */
  retryBudgetMs: { min: 1, max: 30 * day },
  /** Codes that `retry.on` and `retry.never` name, and the characters of one, as workers cut them. */
  codesMax: 50,
  codeCharsMax: 100,
  /** A sleep is one row, however long. */
  sleepMs: { min: 1, max: 365 * day },
  /** So is a wait. */
  waitMs: { min: 1, max: 365 * day },
  /** How long an event is kept for those who do not wait yet: each is a row for so long. */
  keepMs: { min: second, max: 30 * day },
  /** How long a copy is known as one: each key is a row for so long. */
  deduplicateMs: { min: 1000, max: 90 * day },
  /** Characters of a path of the HTTP door. */
  pathCharsMax: 200,
  /** A request waits no longer: proxies between give up at about this, and each is an open connection. */
  httpWaitMs: { min: 1, max: 60 * second },
  /** Bytes of a request's body, and so of its record: brokers take 1 MiB unless they are told otherwise. */
  httpBytesMax: 16 * 1024 * 1024,
  /** Messages one step or one ending may publish; each is a row of the ledger. */
  publishMax: 20,
  /** UTF-8 bytes of one message's key, value and headers together. Kafka's own default for a message is 1 MiB. */
  messageBytesMax: 1024 * 1024,
  /** Ways to authenticate one workflow's events, the texts one of them lists, and the characters of one. */
  waysMax: 10,
  authTextsMax: 100,
  authTextCharsMax: 500,
  /** How far clocks may be apart: what was signed can be sent again for so long. */
  toleranceMs: { min: second, max: day },
  /** A function that authenticates holds its partition for so long. */
  authenticatorTimeoutMs: { min: 1, max: 25 * second },
  /** Problems reported of one file; the rest is counted. Keeps a file of garbage from flooding a terminal. */
  problemsMax: 100,
  /** Files in the folder of functions, and how deep: a stray link to a whole disk must not hang a start. */
  functionFilesMax: 10_000,
  functionDepthMax: 8,
} as const

/** What a file that says nothing gets. */
export const defaults = {
  retry: { attempts: 3, backoff: 'exponential', initial: '200ms', max: '30s', jitter: true },
  timeout: '30s',
  from: 'earliest',
  deduplicate: { within: '24h' },
  order: 'key',
  signal: { keep: '1h', take: 'all' },
  join: 'all',
  others: 'cancel',
  item: 'item',
  atOnce: 10,
  onTimeout: 'fail',
  postings: 'reverse',
  tolerance: '5m',
  authenticatorTimeout: '5s',
  http: { method: 'POST', maxBytes: '64KiB', status: 200, failedStatus: 422 },
} as const
