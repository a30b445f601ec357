/** The payment provider over HTTP: orders, the book, and the control that makes it misbehave. */
import { createReadStream } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { FaultPlan, faultsSchema, noFaults } from './faults.ts'
import { answer, bodyOf, type Handler, listen } from './http.ts'
import type { Payments, Taken } from './payments.ts'

export function servePayments(port: number, payments: Payments, file: string): Promise<Server> {
  let plan = new FaultPlan(noFaults)
  const routes: Record<string, Handler> = {
    'POST /charges': (request, response) =>
      take(orderSchema, (key, order) => payments.take('charge', key, order), plan, request, response),
    'POST /payouts': (request, response) =>
      take(orderSchema, (key, order) => payments.take('payout', key, order), plan, request, response),
    'POST /refunds': (request, response) =>
      take(refundSchema, (key, order) => payments.refund(key, order), plan, request, response),
    'POST /voids': (request, response) =>
      take(voidSchema, (key, order) => payments.void(key, order), plan, request, response),
    'POST /control': async (request, response) => {
      const faults = faultsSchema.safeParse(await bodyOf(request))
      if (!faults.success) return answer(response, 400, invalid(faults.error))
      plan = new FaultPlan(faults.data)
      answer(response, 200, faults.data)
    },
    'GET /control': async (_request, response) => answer(response, 200, plan.faults),
    'GET /book/summary': async (_request, response) => answer(response, 200, payments.summary()),
    'GET /book': (_request, response) => stream(file, payments.bytes, response),
  }
  return listen(port, async (request, response) => {
    const route = routes[`${request.method} ${request.url}`]
    if (route === undefined) return answer(response, 404, { code: 'not_found', message: `no ${request.url} here` })
    await route(request, response)
  })
}

const orderSchema = z.object({
  account: z.string().min(1),
  amount: z.int().positive(),
  currency: z.string().regex(/^[A-Z]{3}$/),
  reference: z.string().min(1),
  party: z.string().min(1).optional(),
})
const refundSchema = z.object({ of: z.string().min(1), amount: z.int().positive(), reference: z.string().min(1) })
const voidSchema = z.object({ of: z.string().min(1), reference: z.string().min(1) })

async function take<Order>(
  schema: z.ZodType<Order>,
  act: (key: string, order: Order) => Promise<Taken>,
  plan: FaultPlan,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const order = schema.safeParse(await bodyOf(request))
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || key === '') return answer(response, 400, { code: 'idempotency_key_missing' })
  if (!order.success) return answer(response, 400, invalid(order.error))
  const mode = plan.next(key)
  if (mode === 'fail') return answer(response, 503, { code: 'unavailable', message: 'told to fail' })
  if (mode === 'slow') await sleep(plan.faults.delayMs)
  const { status, body, headers } = replyTo(await act(key, order.data))
  if (mode === 'lose-connection') response.destroy()
  else answer(response, status, body, headers)
}

interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Record<string, string>
}

function replyTo(taken: Taken): Reply {
  if (!('entry' in taken)) return refusals[taken.result]
  const { result, entry } = taken
  if (result === 'conflict') return { status: 422, body: { code: 'idempotency_key_reused', id: entry.id } }
  const headers: Record<string, string> = result === 'replayed' ? { 'idempotent-replayed': 'true' } : {}
  const { id, account, amount, currency, reference, of } = entry
  const body = { id, account, amount, currency, reference, of }
  if (entry.status === 'succeeded') return { status: 201, body, headers }
  return { status: 402, body: { code: 'card_declined', message: 'the card was declined', id }, headers }
}

const refusals: Readonly<Record<'voided' | 'unknown' | 'too_much', Reply>> = {
  voided: { status: 410, body: { code: 'voided', message: 'what this key is for was voided' } },
  unknown: { status: 404, body: { code: 'no_such_movement', message: 'nothing was moved under this key' } },
  too_much: { status: 422, body: { code: 'more_than_is_left', message: 'less than that is left to be given back' } },
}

async function stream(file: string, bytes: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/jsonl', 'content-length': bytes })
  if (bytes > 0) await pipeline(createReadStream(file, { end: bytes - 1 }), response)
  else response.end()
}

function invalid(error: z.ZodError): { code: string; message: string } {
  return { code: 'invalid', message: z.prettifyError(error) }
}
