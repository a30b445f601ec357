/** What the door answers with. */
import type { FastifyReply } from 'fastify'
import { type Json, stringifyJson } from '../envelope/json.ts'
import { type Problem, problemText, problemType } from './problem.ts'

export function sendJson(reply: FastifyReply, status: number, value: Json, headers: Record<string, string> = {}) {
  const all = { ...common, ...headers, 'content-type': 'application/json; charset=utf-8' }
  // A text goes in one write with its headers, bytes would go in two.
  return reply
    .code(status)
    .headers(all)
    .send(`${stringifyJson(value)}\n`)
}

export function sendProblem(reply: FastifyReply, problem: Problem) {
  const retry: Record<string, string> =
    problem.retryAfterS === undefined ? {} : { 'retry-after': String(problem.retryAfterS) }
  // What is left of the body is not read, so that nothing else can come on this connection.
  const last: Record<string, string> = cutting.has(problem.status) ? { connection: 'close' } : {}
  return reply
    .code(problem.status)
    .headers({ ...common, ...problem.headers, ...retry, ...last, 'content-type': problemType })
    .send(problemText(problem))
}

const common = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
const cutting: ReadonlySet<number> = new Set([400, 408, 413, 415, 431])
