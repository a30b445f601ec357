/** The program of ./producer.ts, from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Pace } from './producer.ts'

export class Pacer {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(brokers: readonly string[]) {
    const program = fileURLToPath(new URL('./producer.js', import.meta.url))
    this.#child = spawn(process.execPath, [program, brokers.join(',')], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface(this.#child.stdout!)[Symbol.asyncIterator]()
  }

  /** Connected, and waits for `run`. */
  async ready(pace: Pace): Promise<void> {
    await this.#ask(JSON.stringify(pace))
  }

  /** How late it was at worst. */
  async run(): Promise<{ lateMs: number }> {
    return JSON.parse(await this.#ask('go'))
  }

  stop(): void {
    this.#child.kill()
  }

  async #ask(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`)
    const { value } = await this.#lines.next()
    if (value === undefined) throw new Error('the producer has ended without a word')
    return value
  }
}
