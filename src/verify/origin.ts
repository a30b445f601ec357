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

/** SQL: the id's last seven bytes, in which no bit says what kind of UUID it is, are those of the text's hash. */
export function isHashOf(id: string, text: string): string {
  return `substring(uuid_send(${id}) from 10) = substring(sha256(convert_to(${text}, 'UTF8')) from 10 for 7)`
}

/** SQL: the id begins with this time, in milliseconds since 1970; half a microsecond is added against rounding. */
export function beginsWith(id: string, stamp: string): string {
  const ms = `floor(date_part('epoch', ${stamp}) * 1000 + 0.0005)::int8`
  return `substring(uuid_send(${id}) for 6) = substring(int8send(${ms}) from 3)`
}
