/** Where the status of a transaction is: its id, and where its record stands, by which it is found if it has become something else. */
import type { Origin } from './ports.ts'

/** What stands behind `?at=`: `film.3.1042`. */
export interface At {
  readonly workflow: string
  readonly partition: number
  readonly offset: number
}

/** `base`: of the door as the world sees it, such as `https://api.example.com`; empty leaves it to the client. */
export function statusUrl(base: string, id: string, { workflow, partition, offset }: Origin): string {
  return `${base}/transactions/${id}?at=${workflow}.${partition}.${offset}`
}

export function atOf(text: unknown): At | null {
  const match = typeof text === 'string' ? /^([a-z][a-z0-9_-]{0,62})\.(\d{1,9})\.(\d{1,15})$/.exec(text) : null
  return match && { workflow: match[1] as string, partition: Number(match[2]), offset: Number(match[3]) }
}

export function idOf(text: string | undefined): string | null {
  return text !== undefined && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : null
}
