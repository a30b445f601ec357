/**
 * The business of the film by hand, without an engine: the functions one after the other, the postings they leave, and, when it
 * fails on the way, what undoes them from the last to the first.
 */
import type { FunctionDefinition, Posting } from 'millrace'
import type { PostedSum } from '../../demo/balance.ts'
import type { DemoRequest } from '../../demo/world/requests.ts'
import adjustParty from '../../workflows/functions/video/adjust-party.ts'
import authenticateSite from '../../workflows/functions/video/authenticate-site.ts'
import authenticateUser from '../../workflows/functions/video/authenticate-user.ts'
import billParty from '../../workflows/functions/video/bill-party.ts'
import endSession from '../../workflows/functions/video/end-session.ts'
import getParties from '../../workflows/functions/video/parties.ts'
import payParty from '../../workflows/functions/video/pay-party.ts'
import record from '../../workflows/functions/video/record.ts'
import selectAds from '../../workflows/functions/video/select-ads.ts'
import selectServer from '../../workflows/functions/video/select-server.ts'
import settle from '../../workflows/functions/video/settle.ts'
import startSession from '../../workflows/functions/video/start-session.ts'
import unadjustParty from '../../workflows/functions/video/unadjust-party.ts'
import unbillParty from '../../workflows/functions/video/unbill-party.ts'
import unpayParty from '../../workflows/functions/video/unpay-party.ts'
import unrecord from '../../workflows/functions/video/unrecord.ts'
import type { Entry } from '../../workflows/video/provider.ts'
import { runStep, StepFailed } from './chain.ts'

export interface Trouble {
  /** Fails once this step has ended well. */
  readonly after?: string
  /** This step does its work, and its outcome is lost for good. */
  readonly lost?: string
}

export interface Run {
  readonly state: 'completed' | 'compensated' | 'failed'
  readonly code: string | null
  readonly sums: readonly PostedSum[]
  /** Steps that ended well, in order. */
  readonly done: readonly string[]
  readonly undone: readonly string[]
  readonly receipts: readonly unknown[]
}

/** `teardown`: the data of the viewer's event, null for none. */
export async function runFilm(request: DemoRequest, teardown: unknown, trouble: Trouble = {}): Promise<Run> {
  const film = new Film(request.id, trouble)
  try {
    await play(film, request, teardown)
    return film.ended('completed', null)
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error
    await film.undo()
    return film.ended(film.undone.length > 0 ? 'compensated' : 'failed', error.code)
  }
}

async function play(on: Film, request: DemoRequest, teardown: unknown): Promise<void> {
  const { viewer, film, site, payment } = JSON.parse(request.value.toString())
  const { authorization, 'x-api-key': api_key } = request.headers
  const [user] = await Promise.all([
    on.run('authenticate_user', authenticateUser, { authorization, viewer: viewer.id }),
    on.run('authenticate_site', authenticateSite, { site: site.id, api_key }),
  ])
  const { host, region } = await on.run('select_server', selectServer, viewer)
  const starts = { host, film: film.id, language: viewer.language }
  const { session } = await on.run('start_session', startSession, starts, endSession)
  const asked = { country: viewer.country, film: film.id }
  const ads = user.plan === 'basic' ? await on.run('select_ads', selectAds, asked).catch(nullWithoutAds) : null
  const who = { viewer: viewer.id, country: viewer.country, plan: user.plan, card: payment.card }
  const parties = await on.run('parties', getParties, { ...who, film: film.id, region, ads })
  const { currency } = parties
  const billed: Entry[] = []
  for (const [at, party] of parties.billed.entries()) {
    billed.push(await on.run(`bill[${at}]`, billParty, { party, currency }, unbillParty))
  }
  const paid: Entry[] = []
  for (const [at, party] of parties.paid.entries()) {
    paid.push(await on.run(`pay[${at}]`, payParty, { party, currency }, unpayParty))
  }
  const about = { viewer: viewer.id, site: site.id, film: film.id, region, session }
  const moved = (entries: Entry[]) => ({ currency, total: parties.total, entries })
  const first = { ...about, billed: moved(billed), paid: moved(paid) }
  on.receipts.push(await on.run('record', record, first, unrecord, { topic: 'video.receipts' }))
  await on.run('end_session', endSession, { session })
  const settled = await on.run('settle', settle, {
    currency,
    film: film.id,
    region,
    billed,
    paid,
    teardown: teardown === null ? null : { id: 'x', data: teardown },
  })
  for (const [at, adjustment] of settled.adjustments.entries()) {
    await on.run(`adjust[${at}]`, adjustParty, { adjustment, currency }, unadjustParty)
  }
  const last = { ...about, billed: settled.billed, paid: settled.paid }
  on.receipts.push(await on.run('record_settlement', record, last, unrecord, { topic: 'video.receipts' }))
}

function nullWithoutAds(error: unknown): null {
  if (error instanceof StepFailed && error.code === 'ads_unavailable') return null
  throw error
}

class Film {
  readonly done: string[] = []
  readonly undone: string[] = []
  readonly receipts: unknown[] = []
  readonly #id: string
  readonly #trouble: Trouble
  readonly #postings: Posting[] = []
  readonly #undos: (() => Promise<void>)[] = []

  constructor(id: string, trouble: Trouble) {
    this.#id = id
    this.#trouble = trouble
  }

  async run<I, O, UI, UO>(
    step: string,
    definition: FunctionDefinition<I, O>,
    input: unknown,
    undo?: FunctionDefinition<UI, UO>,
    undoInput: object = {},
  ): Promise<O> {
    const own: Posting[] = []
    const output = await runStep(step, definition, input, this.#id, 6, { post: (posting) => own.push(posting) })
    const isLost = this.#trouble.lost === step
    const kept = isLost ? [] : own
    this.#postings.push(...kept)
    if (undo !== undefined) {
      const given = { ...undoInput, output: isLost ? null : output }
      this.#undos.push(() => this.#undo(step, undo, given, kept))
    }
    if (isLost) throw new StepFailed(step, { kind: 'fail', code: 'lost', message: '', afterMs: null })
    this.done.push(step)
    if (this.#trouble.after === step) {
      throw new StepFailed(step, { kind: 'fail', code: 'trouble', message: '', afterMs: null })
    }
    return output
  }

  async undo(): Promise<void> {
    for (const undo of this.#undos.reverse()) await undo()
  }

  async #undo<I, O>(step: string, definition: FunctionDefinition<I, O>, input: object, postings: readonly Posting[]) {
    const keys = { forwardKey: `${this.#id}:${step}`, idempotencyKey: `${this.#id}:${step}:undo` }
    await runStep(step, definition, input, this.#id, 6, { ...keys, direction: 'undo' })
    this.undone.push(step)
    for (const { debit, credit, ...same } of postings) this.#postings.push({ ...same, debit: credit, credit: debit })
  }

  ended(state: Run['state'], code: string | null): Run {
    const sums = this.#postings.flatMap(({ debit, credit, amount, currency }) => [
      { transactionId: this.#id, account: debit, currency, sum: -BigInt(amount) },
      { transactionId: this.#id, account: credit, currency, sum: BigInt(amount) },
    ])
    const { done, undone, receipts } = this
    return { state, code, sums, done, undone, receipts }
  }
}
