/** OpenAPI 3.1 of what the door takes, made of the workflow files. Source: https://spec.openapis.org/oas/v3.1.1 */

import { formatOf } from '../envelope/formats/all.ts'
import type { Json } from '../envelope/json.ts'
import type { HttpTrigger } from '../workflow/plan.ts'
import { pathNames } from '../workflow/route.ts'
import type { Route } from './routes.ts'
import { securityOf, securitySchemes } from './security.ts'

export function openApi(routes: readonly Route[], publicUrl: string): { [name: string]: Json } {
  const paths: { [path: string]: { [method: string]: Json } } = {}
  for (const route of routes) {
    const { path, methods } = route.trigger
    const operations = methods.map((method) => [method.toLowerCase(), operation(route, method)])
    paths[path] = { ...paths[path], ...Object.fromEntries(operations) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace', version: '1', description: 'Requests that start workflows, and what becomes of them.' },
    ...(publicUrl === '' ? {} : { servers: [{ url: publicUrl }] }),
    paths: { ...paths, '/transactions/{id}': { get: statusOperation } },
    components: { schemas, securitySchemes: securitySchemes(routes) },
  }
}

function operation({ plan, trigger }: Route, method: string): { [name: string]: Json } {
  const { respond } = trigger
  const parameters: Json[] = pathNames(trigger.path).map((name) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }))
  const answer: { [status: string]: Json } =
    respond === null
      ? {}
      : {
          [respond.status]: { description: 'The result.', content: { 'application/json': { schema: {} } } },
          [respond.failed.status]: problemAnswer('It was refused, or the transaction has not completed.'),
        }
  return {
    operationId: `${plan.name}_${method.toLowerCase()}`,
    summary: `Starts the workflow ${plan.name}.`,
    parameters: [...parameters, idempotencyKey],
    ...(method === 'GET' ? {} : { requestBody: { content: bodyOf(trigger) } }),
    ...(plan.auth === null ? {} : { security: securityOf(plan.auth) }),
    responses: { ...refusals, ...answer, 202: acceptedAnswer },
  }
}

/** What its format is called; without one whatever says what it is. */
function bodyOf({ format, schema }: HttpTrigger): { [type: string]: Json } {
  const body = { schema: schema?.source ?? {} }
  const types = format === null ? null : (formatOf(format)?.mediaTypes ?? ['application/octet-stream'])
  return types === null ? { 'application/json': body, '*/*': {} } : { [types[0] as string]: body }
}

const idempotencyKey: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  schema: { type: 'string', maxLength: 255 },
  description: 'A request that is repeated with the same key gets the transaction of the first.',
}

const ref = (name: string): { [name: string]: Json } => ({ $ref: `#/components/schemas/${name}` })

function problemAnswer(description: string): { [name: string]: Json } {
  return { description, content: { 'application/problem+json': { schema: ref('Problem') } } }
}

const acceptedAnswer: Json = {
  description: 'It is durable, and will be carried out.',
  headers: { Location: { schema: { type: 'string' }, description: 'Where its status is.' } },
  content: { 'application/json': { schema: ref('Accepted') } },
}

const refusals: { [status: string]: Json } = {
  400: problemAnswer('It cannot be read.'),
  401: problemAnswer('Nobody was authenticated.'),
  409: problemAnswer('The first request with this Idempotency-Key is under way.'),
  413: problemAnswer('It is too large.'),
  415: problemAnswer('Its content type is not taken.'),
  422: problemAnswer('It was read, and does not fit.'),
  429: problemAnswer('Too many requests; see Retry-After.'),
  503: problemAnswer('It was not taken for now; see Retry-After.'),
}

const statusOperation: { [name: string]: Json } = {
  operationId: 'status',
  summary: 'What has become of a request; as server-sent events where those are accepted.',
  parameters: [
    { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
    { name: 'at', in: 'query', schema: { type: 'string' }, description: 'As the status URL has it.' },
  ],
  responses: {
    200: {
      description: 'Its state now.',
      content: {
        'application/json': { schema: ref('Transaction') },
        'text/event-stream': { schema: { type: 'string' } },
      },
    },
    401: problemAnswer('Nobody was authenticated.'),
    404: problemAnswer('There is no such transaction, or it is not yours.'),
  },
}

const text: Json = { type: 'string' }
const schemas: { [name: string]: Json } = {
  Accepted: {
    type: 'object',
    required: ['id', 'status'],
    properties: { id: { type: 'string', format: 'uuid' }, status: { type: 'string', description: 'Its status URL.' } },
  },
  Problem: {
    type: 'object',
    required: ['status', 'code'],
    properties: { type: text, title: text, status: { type: 'integer' }, code: text, detail: text },
  },
  Transaction: {
    type: 'object',
    required: ['id', 'workflow', 'state'],
    properties: {
      ...{ id: { type: 'string', format: 'uuid' }, workflow: text, state: text, code: text },
      ...{ admittedAt: { type: 'string', format: 'date-time' }, endedAt: { type: 'string', format: 'date-time' } },
      steps: {
        type: 'array',
        items: {
          type: 'object',
          properties: { step: text, item: text, kind: text, state: text, attempts: { type: 'integer' } },
        },
      },
      answer: { description: 'What a request that waited would have been answered.' },
    },
  },
}
