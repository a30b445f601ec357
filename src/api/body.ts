/** A request's body as bytes: no more of them, and no longer, than may be. */
import type { IncomingMessage } from 'node:http'
import { refuse } from './problem.ts'

/** Throws `Refusal`: 408, 413, 415 (compressed), 400 (it ended before its end). */
export async function readBody(request: IncomingMessage, bytesMax: number, msMax: number): Promise<Buffer> {
  checkLength(request, bytesMax)
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw refuse(415, 'content_encoding', 'a compressed body is not taken', {
      headers: { 'accept-encoding': 'identity' },
    })
  }
  return collect(request, bytesMax, msMax)
}

function checkLength({ headers }: IncomingMessage, bytesMax: number): void {
  const length = headers['content-length']
  if (length !== undefined && Number(length) > bytesMax) throw tooLarge(bytesMax)
}

function collect(request: IncomingMessage, bytesMax: number, msMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const end = (act: () => void) => {
      clearTimeout(late)
      request.off('data', onData).off('end', onEnd).off('error', onLost).off('close', onLost)
      act()
    }
    const onData = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > bytesMax) end(() => reject(tooLarge(bytesMax)))
      else chunks.push(chunk)
    }
    const onEnd = () => end(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    const onLost = () => end(() => reject(refuse(400, 'body_cut', 'the body ended before its end')))
    const onLate = () => end(() => reject(refuse(408, 'body_slow', `the body took longer than ${msMax / 1000} s`)))
    const late = setTimeout(onLate, msMax)
    request.on('data', onData).on('end', onEnd).on('error', onLost).on('close', onLost)
  })
}

function tooLarge(bytesMax: number) {
  return refuse(413, 'body_too_large', `at most ${bytesMax} bytes are taken`)
}
