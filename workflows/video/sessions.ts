/** The streaming servers' HTTP interface, as the functions use it. */
import { createHash } from 'node:crypto'
import { type Context, type Failure, fail, retry } from 'millrace'

/** A session's id comes from the key of the step that starts it: a second attempt starts the same one, and its end knows it. */
export function sessionOf(key: string): string {
  return createHash('sha256').update(`session:${key}`).digest('base64url').slice(0, 22)
}

/** Null: done. Throws when there is no telling whether it is. */
export async function askSessions(
  method: 'PUT' | 'DELETE',
  session: string,
  body: object | null,
  { signal }: Context,
): Promise<Failure | null> {
  const url = process.env.SESSIONS_URL
  if (!url) throw new Error('the environment has no SESSIONS_URL: the address of the streaming servers')
  const headers = { 'content-type': 'application/json' }
  const content = body === null ? {} : { headers, body: JSON.stringify(body) }
  const response = await fetch(`${url}/sessions/${session}`, { method, signal, ...content })
  await response.arrayBuffer()
  if (response.ok) return null
  if (response.status === 410) return fail('session_ended', `session ${session} was ended before it started`)
  if (response.status === 503) return retry('servers_busy', 'the streaming servers answered 503')
  throw new Error(`the streaming servers answered ${response.status}`)
}
