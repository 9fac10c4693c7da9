import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const virtual = 'virtual:logos'
const services = fileURLToPath(new URL('../../src/catalogue/services', import.meta.url))

const isNear = (hex: string, dark: boolean) => {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map(at => parseInt(hex.slice(at, at + 2), 16) / 255)
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
  return dark ? light < 0.12 : light > 0.82
}

interface Icon {
  readonly title: string
  readonly slug: string
  readonly hex: string
  readonly path: string
}

/**
 * `virtual:logos`: the drawings that the default services name in their `logo`, out of simple-icons; a service without one gets a letter.
 * A colour that could not be told from the page is left out, and the drawing takes the colour of text.
 */
export const logos = (): Plugin => ({
  name: 'patchbay-logos',
  resolveId: id => (id === virtual ? `\0${virtual}` : undefined),
  async load(id) {
    if (id !== `\0${virtual}`) return undefined
    const wanted = readdirSync(services)
      .filter(file => file.endsWith('.json'))
      .flatMap(file => {
        const { logo } = JSON.parse(readFileSync(join(services, file), 'utf8')) as { logo?: string | null }
        return logo ? [logo] : []
      })
    const all = Object.values((await import('simple-icons')) as unknown as Record<string, Icon>)
    const bySlug = new Map(all.map(icon => [icon.slug, icon]))
    const found = [...new Set(wanted)].flatMap(slug => {
      const icon = bySlug.get(slug)
      if (!icon) return []
      const colour = isNear(icon.hex, true) || isNear(icon.hex, false) ? null : `#${icon.hex}`
      return [[slug, { path: icon.path, colour }] as const]
    })
    return `export const logos = ${JSON.stringify(Object.fromEntries(found))}`
  },
})
