import { Patchbay } from '../sdk/index.ts'
import { launchChromium, newContext, signIn } from '../test/support/chromium.ts'
import type { MeasuredPatchbay } from './patchbay.ts'

export interface ConsolePaint {
  readonly connections: number
  /** Milliseconds from the navigation until the first row is on the screen: nothing cached, and everything cached. */
  readonly first_visit_ms: number
  readonly later_visit_ms: number
}

const connections = 1000
const visits = 5

const median = (numbers: readonly number[]): number => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? NaN

async function fill(patchbay: MeasuredPatchbay): Promise<void> {
  const client = new Patchbay({ url: `http://127.0.0.1:${patchbay.port}`, apiKey: patchbay.administrator.key })
  for (let from = 0; from < connections; from += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, connections - from) }, (_, index) => {
        const number = String(from + index).padStart(4, '0')
        return client.connections.create({ service: 'bench_key', name: `Connection ${number}`, link_name: `paint_${number}` })
      }),
    )
}

/** How long a person waits for the connections page with a thousand connections in it, in a real browser on the same machine. */
export async function measureConsole(patchbay: MeasuredPatchbay): Promise<ConsolePaint> {
  await fill(patchbay)
  const base = `http://127.0.0.1:${patchbay.port}`
  const browser = await launchChromium()
  const [first, later]: [number[], number[]] = [[], []]
  try {
    for (let visit = 0; visit < visits; visit++) {
      const context = await newContext(browser, base)
      await signIn(context, base, patchbay.administrator.email, patchbay.administrator.password)
      for (const times of [first, later]) {
        const page = await context.newPage()
        await page.goto('/connections', { waitUntil: 'commit' })
        await page.getByRole('link', { name: 'Connection 0000' }).waitFor()
        // the browser's own clock, from the start of the navigation to the frame that shows the row
        times.push(await page.evaluate<number>('new Promise(done => requestAnimationFrame(() => done(performance.now())))'))
        await page.close()
      }
      await context.close()
    }
  } finally {
    await browser.close()
  }
  return { connections, first_visit_ms: Math.round(median(first)), later_visit_ms: Math.round(median(later)) }
}

export function sayConsole({ connections: number, first_visit_ms, later_visit_ms }: ConsolePaint): void {
  process.stdout.write(
    `Connections page with ${number} connections, first row on the screen: ${first_visit_ms} ms at the first visit, ${later_visit_ms} ms later.\n`,
  )
}
