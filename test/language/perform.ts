/** Does what a case says: publishes, waits, and asks as an operator would. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import { answersTo, ask, type NewCommand } from '../../src/ledger/command.ts'
import { pause, resume } from '../../src/ledger/pause.ts'
import type { Act, Publish, Request, Until } from './act.ts'
import type { Case } from './case.ts'
import { namedOf, type StepRow } from './read.ts'
import type { Stage } from './stage.ts'

export async function perform(stage: Stage, { name, acts }: Case): Promise<void> {
  for (const act of acts) await performOne(stage, name, act)
}

async function performOne(stage: Stage, caseName: string, act: Act): Promise<void> {
  if ('publish' in act) return publish(stage, caseName, act)
  if ('request' in act) return request(stage, act)
  if ('until' in act) return reach(stage, caseName, act)
  if ('rest' in act) return sleep(act.rest)
  if ('mend' in act) return stage.book.mend(caseName, act.mend)
  if ('pause' in act || 'resume' in act) return hold(stage, caseName, act)
  return command(stage, caseName, act)
}

async function publish(
  stage: Stage,
  caseName: string,
  { publish: id, topic, key, type, data, text, headers }: Publish,
): Promise<void> {
  const event = { ce_specversion: '1.0', ce_id: id, ce_type: type, ce_source: '/language' }
  const messages = [{ key: key ?? null, value: text ?? JSON.stringify(data), headers: { ...event, ...headers } }]
  await stage.producer.send({ topic: stage.names(caseName).topic(topic), messages })
}

/** Over HTTP; its event has the id. */
async function request({ doorPort }: Stage, { request: id, path, data, status, answer }: Request): Promise<void> {
  const event = { 'ce-specversion': '1.0', 'ce-id': id, 'ce-type': 'case', 'ce-source': '/language' }
  const headers = { 'content-type': 'application/json', ...event }
  const url = `http://127.0.0.1:${doorPort}${path}`
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(data) })
  const body = await response.json()
  assert.equal(response.status, status, JSON.stringify(body))
  if (answer !== undefined) assert.deepEqual(body, answer)
}

/** It is there, in this state, or a step of it is, or has been called. */
async function reach(stage: Stage, caseName: string, { until: name, is, step, called }: Until): Promise<void> {
  const names = stage.names(caseName)
  const isIt = step === undefined && is !== undefined ? (state: string) => state === is : () => true
  let id = ''
  await stage.until(`${name} of ${caseName} to be ${is ?? 'there'}`, (rows) => {
    const row = namedOf(rows, names).get(name)
    id = row?.id ?? ''
    return row !== undefined && isIt(row.state)
  })
  if (step !== undefined) {
    const stands = async () => (await stepsOf(stage, id)).some((each) => nameOf(each) === step && each.state === is)
    await until(`step ${step} of ${caseName} to be ${is}`, stands, { forMs: 15_000, everyMs: 60 })
  }
  if (called === undefined) return
  const isCalled = () => stage.book.lines(new Set([id])).some(({ what }) => what === called)
  await until(`${called} of ${caseName} to be called`, isCalled, { forMs: 15_000, everyMs: 20 })
}

function stepsOf({ query }: Stage, id: string): Promise<StepRow[]> {
  return query<StepRow>('select step, item, state from millrace.steps where transaction_id = $1', [id])
}

function nameOf({ step, item }: StepRow): string {
  return item === '' ? step : `${step}[${item}]`
}

type Hold = Extract<Act, { pause: string } | { resume: string }>

async function hold({ db, engine, names }: Stage, caseName: string, act: Hold): Promise<void> {
  const by = { by: 'tester', why: act.why }
  const workflow = names(caseName).workflow('pause' in act ? act.pause : act.resume)
  const wish = { engine: engine.name, workflow, key: act.key ?? null }
  if ('pause' in act) await pause(db, wish, by)
  else await resume(db, wish, by)
}

type CommandAct = Extract<Act, { refused?: string | undefined }>

async function command(stage: Stage, caseName: string, act: CommandAct): Promise<void> {
  const { kind, target, args } = wishOf(act)
  let id = ''
  await stage.until(`${target} of ${caseName}`, (rows) => {
    id = namedOf(rows, stage.names(caseName)).get(target)?.id ?? ''
    return id !== ''
  })
  const [asked] = await ask(stage.db, [{ kind, target: id, args }], { askedBy: 'tester', why: act.why })
  if (!asked) throw new Error(`${kind} of ${target} was not asked`)
  let said = { state: 'pending', answer: null as string | null }
  const isAnswered = async () => {
    said = (await answersTo(stage.db, [asked.id]))[0] ?? said
    return said.state !== 'pending'
  }
  await until(`${kind} of ${target} in ${caseName} to be answered`, isAnswered, { forMs: 15_000, everyMs: 50 })
  const isAsExpected =
    act.refused === undefined ? said.state === 'done' : said.state === 'refused' && said.answer?.includes(act.refused)
  if (!isAsExpected) throw new Error(`${kind} of ${target}: it is ${said.state}: ${said.answer}`)
}

function wishOf(act: CommandAct): { kind: NewCommand['kind']; target: string; args: string } {
  if ('cancel' in act) return { kind: 'cancel', target: act.cancel, args: '{}' }
  if ('compensate' in act) return { kind: 'compensate', target: act.compensate, args: '{}' }
  if ('retry' in act)
    return { kind: 'retry', target: act.retry, args: JSON.stringify({ from: act.from, input: act.input }) }
  const { resolve, step, outcome, output } = act
  return { kind: 'resolve', target: resolve, args: JSON.stringify({ step, outcome, output }) }
}
