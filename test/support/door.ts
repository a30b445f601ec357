/** The HTTP door of a coordinator, and a client that asks it as any other program does. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { until } from '../../src/base/poll.ts'
import type { RunningCoordinator } from './coordinator.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
  readonly json: any
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly tls?: RequestOptions
}

/** Waits until the door listens; answers with its port. */
export async function doorOf(coordinator: RunningCoordinator, forMs = 30_000): Promise<number> {
  await until('the HTTP door to listen', () => /the HTTP door listens on port \d+/.test(coordinator.logs()), {
    forMs,
  }).catch((error) => {
    throw new Error(`${error.message}\n${coordinator.logs()}`)
  })
  return Number(/the HTTP door listens on port (\d+)/.exec(coordinator.logs())![1])
}

/** Rejects when the connection is cut before the answer is whole. */
export function ask(
  port: number,
  path: string,
  { method = 'POST', headers = {}, body, tls }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const make = tls ? httpsRequest : httpRequest
    const request = make({ host: '127.0.0.1', port, path, method, headers, agent: false, ...tls }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk)).on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

export function post(
  port: number,
  path: string,
  value: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(port, path, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
