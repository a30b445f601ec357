/** The HTTP trigger of a plan. */
import { assert } from '../../base/assert.ts'
import { defaults } from '../limits.ts'
import type { Meaning } from '../meaning/check.ts'
import type { HttpFile } from '../model/http.ts'
import type { HttpTrigger, Respond, Step } from '../plan.ts'
import { rateOf, sizeOf } from '../route.ts'
import { ms, templateAt } from './fields.ts'

export function httpTrigger(name: string, file: HttpFile, steps: readonly Step[], meaning: Meaning): HttpTrigger {
  const bytesMax = sizeOf(file.maxBytes)
  assert(bytesMax !== null, `${file.maxBytes} was checked to be a size`)
  return {
    methods: [...new Set(Array.isArray(file.method) ? file.method : [file.method])],
    path: file.path,
    topic: file.topic ?? `http.${name}`,
    format: meaning.formats.get('on.http.format') ?? null,
    schema: meaning.schemas.get('on.http.schema') ?? null,
    bytesMax,
    rate: file.rate === undefined ? null : rateOf(file.rate),
    respond: file.respond === undefined ? null : respond(file.respond, steps, meaning),
  }
}

function respond(file: NonNullable<HttpFile['respond']>, steps: readonly Step[], meaning: Meaning): Respond {
  const { after, failed } = file
  const step = after === undefined ? null : steps.find(({ id, kind }) => id === after && kind !== 'undo')
  assert(step !== undefined, `${after} was checked to be a step`)
  return {
    waitMs: ms(file.wait),
    after: step,
    with: file.with === undefined ? null : templateAt('on.http.respond.with', meaning),
    status: file.status,
    failed: {
      status: failed?.status ?? defaults.http.failedStatus,
      with: failed?.with === undefined ? null : templateAt('on.http.respond.failed.with', meaning),
    },
  }
}
