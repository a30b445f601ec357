/** Every bound on what the HTTP door writes, with its unit and its reason. */
export interface DirectLimits {
  /** Records that wait to be written: each is a request somebody waits for. */
  readonly waitingMax: number
  readonly waitingBytesMax: number
  /** Of one request to Kafka. */
  readonly batchMax: number
  /** Far below what brokers take (1 MiB); a larger record goes alone. */
  readonly batchBytesMax: number
  /** Under load the next batch gathers for so long, in milliseconds: what is written together is also read and committed together. */
  readonly gatherMs: number
  /** It is under load when the batch before had so many. */
  readonly gatherFrom: number
  /** No record waits longer for its turn, in milliseconds: whoever asked has gone. */
  readonly waitMsMax: number
  /** After a failure everybody is refused for so long, in milliseconds, instead of trying and waiting. */
  readonly pauseMs: number
  /** In milliseconds. */
  readonly stopMsMax: number
  /** The client's own tries, in milliseconds: what takes longer is an outage, which is told. */
  readonly patience: {
    readonly requestTimeoutMs: number
    readonly initialMs: number
    readonly maxMs: number
    readonly retries: number
  }
}

export const defaultDirectLimits: DirectLimits = {
  waitingMax: 5000,
  waitingBytesMax: 64 * 1024 * 1024,
  batchMax: 500,
  batchBytesMax: 384 * 1024,
  gatherMs: 3,
  gatherFrom: 3,
  waitMsMax: 5000,
  pauseMs: 500,
  stopMsMax: 5000,
  patience: { requestTimeoutMs: 5000, initialMs: 50, maxMs: 500, retries: 4 },
}
