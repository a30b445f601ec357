/**
 * Node's warnings as Node prints them, but for one: kafkajs 2.2.4 sets a timer with a negative delay at each connection
 * (its request queue, before any throttling), which Node 24 takes as 1 ms and warns about.
 */
export function quietWarnings(): void {
  const [print] = process.listeners('warning')
  if (print === undefined) return
  process.removeListener('warning', print)
  process.on('warning', (warning) => {
    if (warning.name !== 'TimeoutNegativeWarning') print.call(process, warning)
  })
}
