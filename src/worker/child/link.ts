/** The child's end of the two pipes. Reads without a thread, writes at once and whole: what was sent has left. */
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { crashPoint } from '../../base/crash-point.ts'
import { type Answer, type Note, pairReader, writeGood, writePair } from '../wire.ts'

const fromPool = 3
const toPool = 4

/** Results wait for the end of the loop's turn, to go as one write, unless the turn takes longer than this. */
const turnMsMax = 1

export interface Link {
  send(head: Answer | Note, body: string): void
  sendGood(id: number, startedUs: number, finishedUs: number, output: string): void
  flush(): void
  listen(onPair: (head: string, body: string) => void): void
}

export function openLink(): Link {
  let waiting = ''
  let since = 0
  const flush = () => {
    const text = waiting
    waiting = ''
    if (text === '') return
    writeWhole(Buffer.from(text, 'utf8'))
    crashPoint('worker.answered')
  }
  const add = (pair: string) => {
    if (waiting === '') {
      since = performance.now()
      setImmediate(flush)
    }
    waiting += pair
    if (performance.now() - since > turnMsMax) flush()
  }
  return {
    flush,
    send: (head, body) => add(writePair(head, body)),
    sendGood: (id, startedUs, finishedUs, output) => add(writeGood(id, startedUs, finishedUs, output)),
    listen,
  }
}

/** The pipe's end is the pool's word to go. */
function listen(onPair: (head: string, body: string) => void): void {
  const read = pairReader(Number.POSITIVE_INFINITY, (head, body) => {
    onPair(head, body)
    return true
  })
  const socket = new Socket({ fd: fromPool, readable: true, writable: false })
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => void read(chunk))
  socket.on('error', () => process.exit(0))
  socket.on('end', () => process.exit(0))
}

function writeWhole(bytes: Buffer): void {
  let at = 0
  while (at < bytes.length) {
    try {
      at += writeSync(toPool, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') process.kill(process.pid, 'SIGKILL')
    }
  }
}
