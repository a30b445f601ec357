/**
 * One HTTP request with an authority and a certificate of one's own, which Node's fetch does not take. It ends, whatever the other side
 * does: limited in time and size, and it follows nobody elsewhere.
 */
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { type TlsFiles, tlsOptions } from './tls.ts'

export interface HttpQuestion {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** With one it is a POST, without a GET. */
  readonly body?: string
  readonly tls: TlsFiles
  readonly answerMsMax: number
  readonly answerBytesMax: number
}

export interface HttpAnswer {
  readonly status: number
  /** Content type; empty where it says none. */
  readonly type: string
  readonly body: Buffer
}

/** Rejects with Node's own errors of connections, or with a sentence about what is missing or too much. */
export function askHttp({ url, headers, body, tls, answerMsMax, answerBytesMax }: HttpQuestion): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(answerMsMax)
    const options = { method: body === undefined ? 'GET' : 'POST', headers, agent: false, signal }
    const isTls = new URL(url).protocol === 'https:'
    const asked = isTls ? requestTls(url, { ...options, ...tlsOptions(tls) }) : requestPlain(url, options)
    asked.on('error', (error) => reject(signal.aborted ? new Error(`no answer within ${answerMsMax / 1000} s`) : error))
    asked.on('response', (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('error', (error) => asked.destroy(error))
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > answerBytesMax) asked.destroy(new Error(`an answer of more than ${answerBytesMax} bytes`))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        const { statusCode: status = 0, headers: said } = response
        resolve({ status, type: said['content-type'] ?? '', body: Buffer.concat(chunks) })
      })
      // A connection that breaks within an answer ends it without an end.
      response.on('close', () => reject(new Error('the answer was cut off')))
    })
    asked.end(body)
  })
}
