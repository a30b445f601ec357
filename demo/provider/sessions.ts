/**
 * The streaming servers: which sessions are open. A session that was ended is never opened again, also when its end was
 * asked for before its start came. Kept in memory: a restart ends them all, as it would streams.
 */
import type { Server } from 'node:http'
import { answer, bodyOf, type Handler, listen } from './http.ts'

export interface SessionCounts {
  readonly open: number
  /** Of those that were open. */
  readonly ended: number
}

export function serveSessions(port: number): Promise<Server> {
  const states = new Map<string, 'open' | 'ended' | 'refused'>()
  const counts = (): SessionCounts => {
    const count = (state: string) => [...states.values()].filter((one) => one === state).length
    return { open: count('open'), ended: count('ended') }
  }
  const start = (id: string): { status: number; body: unknown } => {
    const state = states.get(id)
    if (state === 'ended' || state === 'refused') return { status: 410, body: { code: 'session_ended' } }
    states.set(id, 'open')
    return { status: state === 'open' ? 200 : 201, body: { session: id } }
  }
  const end = (id: string): { status: number; body: unknown } => {
    const wasOpen = states.get(id) === 'open'
    states.set(id, wasOpen || states.get(id) === 'ended' ? 'ended' : 'refused')
    return { status: 200, body: { session: id, ended: wasOpen } }
  }
  const handle: Handler = async (request, response) => {
    const id = /^\/sessions\/([\w-]{1,100})$/.exec(request.url ?? '')?.[1]
    await bodyOf(request)
    if (request.method === 'GET' && request.url === '/sessions') return answer(response, 200, counts())
    const act = { PUT: start, DELETE: end }[request.method ?? '']
    if (id === undefined || act === undefined) return answer(response, 404, { code: 'not_found' })
    const { status, body } = act(id)
    answer(response, status, body)
  }
  return listen(port, handle)
}
