/** `/healthz` and `/readyz` of an engine, where the settings say. */
import { type HealthServer, serveHealth } from '../api/health.ts'
import type { Config } from '../config.ts'
import type { Engine } from '../engine.ts'

export function serveEngineHealth(config: Config, engine: Engine): Promise<HealthServer> {
  let broken = false
  void engine.failed.then(() => {
    broken = true
  })
  return serveHealth({
    host: config['http.host'],
    port: config['http.port'],
    health: () => engine.health(),
    failed: () => broken,
    metrics: () => engine.prometheus,
  })
}
