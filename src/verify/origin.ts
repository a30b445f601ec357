/** The text that ids are hashed of, cut where the offset stands: the database puts it together for each row. */
import type { World } from './world.ts'

export interface OriginTemplate {
  readonly lane: number
  /** 0: a dead letter of no workflow. */
  readonly workflowId: number
  readonly before: string
  /** The same of before the topic's own id was known. */
  readonly beforeUntold: string
  readonly after: string
}

export function originTemplates({ lanes, versions }: World): OriginTemplate[] {
  const workflows = new Map([[0, ''], ...versions.map((each) => [each.workflowId, each.workflow] as const)])
  return lanes.flatMap(({ id: lane, engine, topic, incarnation, partition }) =>
    [...workflows].map(([workflowId, workflow]) => {
      const cut = (told: string) => {
        const origin = { engine, topic, incarnation: told, partition, offset: mark, workflow }
        return JSON.stringify(origin).split(JSON.stringify(mark)) as [string, string]
      }
      const [before, after] = cut(incarnation)
      return { lane, workflowId, before, beforeUntold: cut('')[0], after }
    }),
  )
}

/** No name can hold it. */
const mark = '\u0000'

/** SQL: the id is a hash of this text, the bits apart that say what kind of UUID it is, and the first 48, a time. */
export function isHashOf(id: string, text: string): string {
  const hex = `encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`
  return `(select substr(i, 16, 3) = substr(h, 14, 3) and substr(i, 21, 3) || substr(i, 25) = substr(h, 18, 15)
           from (select ${id}::text as i, ${hex} as h) hashed)`
}

/** SQL: the milliseconds since 1970 that the id begins with. */
export function msOfId(id: string): string {
  return `('x' || substr(${id}::text, 1, 8) || substr(${id}::text, 10, 4))::bit(48)::int8`
}

/** SQL: whole milliseconds since 1970. */
export function msOf(stamp: string): string {
  return `floor(extract(epoch from ${stamp}) * 1000)::int8`
}
