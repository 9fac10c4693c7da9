import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { cliSettings, settings } from '../src/config.ts'
import { createMetrics } from '../src/telemetry/metrics.ts'

/* What is in deploy/ cannot be run here (no container engine, no second machine): its form and its names are checked. */

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')
const packageJson = JSON.parse(read('package.json')) as { engines: { node: string }; scripts: Record<string, string> }

interface Dashboard {
  readonly panels: readonly {
    readonly id: number
    readonly type: string
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly targets?: readonly { readonly expr: string }[]
  }[]
}

describe('the dashboard', () => {
  const { panels } = JSON.parse(read('deploy/grafana-dashboard.json')) as Dashboard

  it('asks for metrics that there are, with labels that they have', async () => {
    const metrics = createMetrics()
    metrics.watch({
      callsUnderWay: () => 1,
      callsToLog: () => 1,
      openBreakers: () => 1,
      authorizations: async () => ({ connected: 1 }),
      keyWorkLeft: async () => ({ dataKeysToRewrap: 1, fieldsToReseal: 1 }),
    })
    metrics.call('proxy', 200, null, 1)
    metrics.refreshes.inc({ outcome: 'renewed' })
    metrics.turnedAway.inc({ reason: 'quota' })
    metrics.functionRuns.inc({ door: 'run', outcome: 'success' })
    const text = await metrics.text()
    for (const { expr } of panels.flatMap(one => one.targets ?? [])) {
      for (const [, name = ''] of expr.matchAll(/\b(patchbay_\w+)/g)) expect(text).toMatch(new RegExp(`^${name}[{ ]`, 'm'))
      const [, name = ''] = /\b(patchbay_\w+)/.exec(expr) ?? []
      // Prometheus adds `instance` itself
      const labels = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */)).filter(one => one !== 'instance')
      for (const label of labels) expect(text, expr).toMatch(new RegExp(`^${name}\\{[^}]*\\b${label}="`, 'm'))
    }
  })

  it('has panels that do not lie on each other, each with its own number', () => {
    expect(new Set(panels.map(one => one.id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })
})

describe('deployment files', () => {
  const files = ['patchbay.service', 'environment.example', 'Dockerfile', 'compose.yaml', 'nginx.conf'].map(name => `deploy/${name}`)

  it.each([...files, 'docs/deployment.md', 'docs/operations.md'])('%s names settings that there are', path => {
    const known = new Set([...Object.values(settings), ...Object.values(cliSettings)].map(one => `PATCHBAY_${one.name}`))
    for (const [name] of read(path).matchAll(/PATCHBAY_[A-Z_]+[A-Z]/g)) expect(known, `${path} names ${name}`).toContain(name)
  })

  it('the image has a Node that package.json allows, no package scripts, no secret, and runs as somebody who may do nothing', () => {
    const lines = read('deploy/Dockerfile').replace(/\\\n\s*/g, '').split('\n').filter(line => line !== '' && !line.startsWith('#')) // prettier-ignore
    expect(lines.every(line => /^(FROM|WORKDIR|COPY|RUN|ENV|USER|VOLUME|EXPOSE|HEALTHCHECK|CMD| {2}CMD) /.test(line))).toBe(true)
    const images = lines.filter(line => line.startsWith('FROM')).map(line => /^FROM node:(\d+)-/.exec(line)?.[1])
    expect(images.length).toBeGreaterThan(0)
    for (const major of images) expect(Number(major)).toBeGreaterThanOrEqual(Number(/\d+/.exec(packageJson.engines.node)?.[0]))
    for (const line of lines.filter(one => one.includes('npm ci') || one.includes('npm prune'))) expect(line).toContain('--ignore-scripts')
    for (const [, script = ''] of lines.join('\n').matchAll(/npm run (\w+)/g)) expect(packageJson.scripts).toHaveProperty(script)
    expect(lines.join('\n')).not.toMatch(/PATCHBAY_(MASTER_KEY|DATABASE_URL|ADMIN)/)
    expect(lines.findLast(line => line.startsWith('USER'))).toBe('USER node')
    expect(lines.at(-1)).toBe('CMD ["node", "dist/main.js"]')
    for (const path of ['.git', 'node_modules', 'data', 'deploy/master-key', 'deploy/database-password'])
      expect(read('.dockerignore').split('\n')).toContain(path)
  })

  it('the composition is one, takes its secrets from files, and lets nobody but this machine in', () => {
    const { services, volumes, secrets } = parse(read('deploy/compose.yaml')) as Record<string, Record<string, Record<string, unknown>>>
    expect(Object.keys(services ?? {})).toEqual(['patchbay', 'database'])
    for (const service of Object.values(services ?? {})) {
      for (const secret of service['secrets'] as string[]) expect(secrets).toHaveProperty(secret)
      for (const volume of service['volumes'] as string[]) expect(volumes).toHaveProperty([volume.split(':')[0] ?? ''])
      for (const port of (service['ports'] ?? []) as string[]) expect(port).toMatch(/^127\.0\.0\.1:/)
      for (const name of Object.keys(service['environment'] as object)) expect(name).not.toMatch(/PASSWORD$|KEY$|DATABASE_URL$/)
    }
  })
})
