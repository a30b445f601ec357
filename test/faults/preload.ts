/**
 * Loaded by each coordinator before everything else. It goes with us, whatever kills us; and with `FAULTS_CLOCK`, a list
 * of AFTER:BY in milliseconds, its wall clock jumps as a host's does when somebody sets it. Steady clocks and timers go
 * on as they are.
 */
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, 500).unref()

const wall = Date.now
let shiftMs = 0
const jumps = (process.env.FAULTS_CLOCK ?? '').split(',').filter((jump) => jump !== '')
if (jumps.length > 0) Date.now = () => wall() + shiftMs
for (const jump of jumps) {
  const [afterMs, byMs] = jump.split(':').map(Number)
  setTimeout(() => (shiftMs += byMs ?? 0), afterMs).unref()
}
