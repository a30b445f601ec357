/**
 * What has become of a request: asked by its status URL, once or as a stream of states. Whoever asks must be let in by the same ways as
 * the request was, and be who sent it.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Together } from '../base/together.ts'
import { type Json, stringifyJson } from '../envelope/json.ts'
import { transactionId } from '../transaction/ids.ts'
import type { Plan, Respond } from '../workflow/plan.ts'
import type { At } from './address.ts'
import type { Answers } from './answer.ts'
import type { Callers } from './callers.ts'
import type { DoorLedger, Standing, Story } from './ports.ts'
import { refuse } from './problem.ts'
import type { Routes } from './routes.ts'

export interface StatusParts {
  readonly engine: string
  readonly ledger: DoorLedger
  readonly answers: Answers
  readonly callers: Callers
  readonly routes: () => Routes
  readonly incarnation: (topic: string) => Promise<string>
  readonly askedMax: number
}

export interface Snapshot {
  readonly body: { [name: string]: Json }
  /** A hash of it: the same again is the same. */
  readonly version: string
  readonly isOver: boolean
}

export class Statuses {
  readonly #parts: StatusParts
  readonly #stories: Together<string, Story | null>

  constructor(parts: StatusParts) {
    this.#parts = parts
    this.#stories = new Together(async (ids) => {
      const found = await parts.ledger.stories([...new Set(ids)])
      return ids.map((id) => found.get(id) ?? null)
    }, parts.askedMax)
  }

  /**
   * Lets the caller in, and answers with what to ask for from now on. Throws `Refusal` 404 for what is not there and for what is
   * somebody else's alike.
   */
  async open(id: string, at: At | null, request: IncomingMessage): Promise<() => Promise<Snapshot>> {
    const story = await this.#stories.add(id)
    const plan = this.#planOf(story?.workflow ?? at?.workflow)
    const auth = await this.#parts.callers.admit(plan, request, Buffer.alloc(0), null)
    if (story === null && !(at !== null && (await this.#isOf(id, at, plan)))) throw notThere()
    const sender = auth === null ? null : { principal: auth.principal, family: auth.family }
    return () => this.#look(id, at, plan, sender)
  }

  async #look(id: string, at: At | null, plan: Plan, sender: Story['sender']): Promise<Snapshot> {
    const story = await this.#stories.add(id)
    if (story !== null) return this.#told(story, plan, sender)
    const standing = at === null ? null : await this.#standingAt(id, at, plan)
    if (standing?.is === 'duplicate' || standing?.is === 'moved') {
      const other = await this.#stories.add(standing.is === 'moved' ? standing.id : standing.firstId)
      if (other !== null) return this.#told(other, plan, sender)
    }
    if (standing?.is === 'refused')
      return snapshot({ id, workflow: plan.name, state: 'refused', code: standing.code }, true)
    return snapshot({ id, workflow: plan.name, state: 'accepted' }, false)
  }

  async #told(story: Story, plan: Plan, sender: Story['sender']): Promise<Snapshot> {
    const isSame = story.sender?.principal === sender?.principal && story.sender?.family === sender?.family
    if (sender !== null && !isSame) throw notThere()
    const { id, workflow, state, admittedAt, endedAt, code } = story
    const steps = story.steps.map(({ item, ...step }) => (item === '' ? step : { ...step, item }))
    const ended = endedAt === null ? {} : { endedAt, ...(code === null ? {} : { code }) }
    const body = { id, workflow, state, admittedAt, ...ended, steps: steps as Json }
    return snapshot({ ...body, ...(await this.#answerOf(story, plan.on.http?.respond ?? null)) }, endedAt !== null)
  }

  /** What a request that had waited would have been answered. */
  async #answerOf({ id, state, steps }: Story, respond: Respond | null): Promise<{ answer?: Json }> {
    if (respond === null) return {}
    const { after } = respond
    const isReached =
      after === null
        ? state === 'completed'
        : steps.some((each) => each.step === after.id && (each.state === 'ok' || each.state === 'skipped'))
    return isReached ? { answer: await this.#parts.answers.of(id, respond) } : {}
  }

  #planOf(workflow: string | undefined): Plan {
    const route = this.#parts.routes().all.find(({ plan }) => plan.name === workflow)
    if (route) return route.plan
    throw notThere()
  }

  /** An id holds a hash of its place, of which Kafka's id of the topic is part: nobody makes one up. */
  async #isOf(id: string, { partition, offset }: At, plan: Plan): Promise<boolean> {
    const topic = plan.on.http!.topic
    const incarnation = await this.#parts.incarnation(topic)
    const origin = { engine: this.#parts.engine, topic, incarnation, partition, offset, workflow: plan.name }
    return transactionId(origin, null, 0).slice(timeChars) === id.slice(timeChars)
  }

  async #standingAt(id: string, { partition, offset }: At, plan: Plan): Promise<Standing> {
    const topic = plan.on.http!.topic
    const incarnation = await this.#parts.incarnation(topic)
    const from = { workflow: plan.name, topic, incarnation, partition, offset }
    const [standing] = await this.#parts.ledger.standing([{ id, after: null, from }])
    return standing as Standing
  }
}

/** Of a UUID in text: 48 bits of time, and a dash among them. */
const timeChars = 13

function notThere() {
  return refuse(404, 'no_transaction', 'there is no such transaction, or it is not yours')
}

function snapshot(body: { [name: string]: Json }, isOver: boolean): Snapshot {
  return { body, version: createHash('sha256').update(stringifyJson(body)).digest('hex').slice(0, 16), isOver }
}
