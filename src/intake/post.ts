/** One POST with an authority of one's own, which Node's fetch does not take; limited in time and size, follows nobody. */
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { type TlsFiles, tlsOptions } from '../base/tls.ts'

const answersWithinMs = 10_000
const answerBytesMax = 64 * 1024

export function post(url: string, headers: Record<string, string>, body: string, tls: TlsFiles): Promise<Response> {
  return new Promise((resolve, reject) => {
    const isTls = new URL(url).protocol === 'https:'
    const options = { method: 'POST', headers, agent: false, signal: AbortSignal.timeout(answersWithinMs) }
    const asked = isTls ? requestTls(url, { ...options, ...tlsOptions(tls) }) : requestPlain(url, options)
    asked.on('error', (error) => reject(error.name === 'AbortError' ? new Error(late) : error))
    asked.on('response', (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > answerBytesMax) asked.destroy(new Error(`an answer of more than ${answerBytesMax} bytes`))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        const type = response.headers['content-type'] ?? ''
        resolve(
          new Response(Buffer.concat(chunks), {
            status: response.statusCode ?? 500,
            headers: { 'content-type': type },
          }),
        )
      })
    })
    asked.end(body)
  })
}

const late = `no answer within ${answersWithinMs / 1000} s`
