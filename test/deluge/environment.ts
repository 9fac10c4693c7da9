import type { Host } from '../../src/deluge/host.ts'
import { defaultLimits } from '../../src/deluge/limits.ts'
import type { Environment } from '../../src/deluge/run.ts'
import { scriptedHost, type ScriptedHost } from '../support/scripted-host.ts'

/** A scripted host that has functions, too: their sources by `namespace.name`. */
export function hostWith({ context: { host } }: ScriptedHost, functions: Readonly<Record<string, string>>): Host {
  return {
    ...host,
    functionNamed(namespace, name) {
      const source = functions[`${namespace}.${name}`]
      return source === undefined ? null : { id: `${namespace}.${name}`, revision: 1, source }
    },
  }
}

/** Where tests run scripts: nothing outside, a clock and a chance that stand still, a log that is dropped. */
export function environmentOf(changes: Partial<Environment> = {}): Environment {
  const { host, surroundings, chance } = scriptedHost().context
  return { host, limits: defaultLimits, surroundings, chance, cancelled: () => false, info: () => undefined, ...changes }
}
