/** The records that are measured with. */
export interface Events {
  /** Of the value, at least. */
  readonly bytes: number
  /** Different keys; they come in turn. */
  readonly keys: number
}

export interface Message {
  readonly key: string
  readonly value: string
  /** ms since 1970: the moment before it is sent. */
  readonly timestamp: string
}

export function eventOf({ bytes, keys }: Events, n: number): Message {
  const key = `key-${n % keys}`
  const head = `{"n":${n},"key":"${key}","padding":"`
  const padding = 'x'.repeat(Math.max(0, bytes - head.length - 2))
  return { key, value: `${head}${padding}"}`, timestamp: String(Date.now()) }
}
