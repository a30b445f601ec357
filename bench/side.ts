/** What is measured: the engine or the floor, by the same questions. */
import type { Running } from './running.ts'

export interface Shape {
  readonly steps: number
  /** What each function takes. */
  readonly waitMs: number
  readonly coordinators: number
  /** The functions declare that they have no effects. */
  readonly effectFree?: boolean
}

export interface Setting {
  /** For logs and workflow files. */
  readonly dir: string
  readonly brokers: readonly string[]
  readonly databaseUrl: string
  readonly topic: string
  readonly shape: Shape
  /** Its main process writes a CPU profile there. */
  readonly profileDir: string | null
  /** The engine's name; without it that of the topic, so that no two runs meet. */
  readonly engine?: string
  /** Settings of the engine that are not its defaults. */
  readonly env?: Readonly<Record<string, string>>
  /** Writes more workflow files, or others, into the folder. */
  readonly files?: (workflowsDir: string) => Promise<void>
}

export interface Side {
  readonly name: 'engine' | 'floor'
  /** Makes its tables in an empty database. */
  prepare(databaseUrl: string): Promise<void>
  start(setting: Setting): Promise<Running>
  sql(shape: Shape): Sql
}

/** Of what was produced since $1, in ms since 1970; all but `admitted` and `commits`, which are of all. */
export interface Sql {
  /** One number: records taken in. Costs the same however many there are. */
  readonly admitted: string
  /** One number: group commits. */
  readonly commits: string
  /** One number: transactions that have ended. */
  readonly endedCount: string
  /** A row each that has ended: `produced_at`, `fetched_at`, `ended_at` (the return of the commit that ended it). */
  readonly ended: string
}
