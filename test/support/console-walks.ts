import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { settled } from './chromium.ts'

/* What people do again and again in the console, by the words that they read. */

/** The window of a service's own page that a click opens, once it shows the consent page. */
export async function serviceWindow(page: Page, click: () => Promise<unknown>): Promise<Page> {
  const [opened] = await Promise.all([page.waitForEvent('popup'), click()])
  await opened.getByRole('button', { name: 'Accept' }).waitFor()
  return opened
}

/** Accepts there; the window closes by itself. `account` is what the practice service calls one of its two people. */
export async function accept(opened: Page, account: 'ada' | 'grace' = 'ada'): Promise<void> {
  await opened.getByLabel('Continue as').selectOption(account)
  const closed = opened.waitForEvent('close')
  await opened.getByRole('button', { name: 'Accept' }).click()
  await closed
}

/** Create and Connect at a service with a page of its own. */
export async function connectInWindow(page: Page, button: Locator, account: 'ada' | 'grace' = 'ada'): Promise<void> {
  await accept(await serviceWindow(page, () => button.click()), account)
}

/** On the page of a connection: sends a GET with *Try it*; the JSON that the service answered. */
export async function tryIt(page: Page, path: string, status = 200): Promise<Record<string, unknown>> {
  const box = page.getByRole('region', { name: 'Try it' })
  if (!(await box.isVisible())) await page.getByRole('button', { name: 'Try it', exact: true }).click()
  await box.getByLabel('Path and query').fill(path)
  const answered = page.waitForResponse('**/api/v1/invoke')
  await box.getByRole('button', { name: 'Send' }).click()
  await answered
  // the answer before it stays on the screen, faded, until this one is drawn
  await box.locator('[data-old]').waitFor({ state: 'detached' })
  const answer = box.getByRole('region', { name: 'Answer' })
  await answer.getByRole('status').getByText(String(status)).waitFor()
  return JSON.parse(await answer.locator('pre').innerText()) as Record<string, unknown>
}

/** Waits for the page of a connection that works. */
export async function expectConnected(page: Page, linkName: string): Promise<void> {
  await page.waitForURL(`**/connections/${linkName}`)
  await settled(page)
  await page.locator('main').getByText('Connected', { exact: true }).first().waitFor()
}

/** The box that has the focus, by its label. */
export const expectFocus = async (box: Locator): Promise<void> => {
  await expect.poll(() => box.evaluate(element => element === element.ownerDocument.activeElement), { timeout: 5000 }).toBe(true)
}

/** Presses Tab until it has the focus, as somebody without a mouse does. @throws Error when the keyboard does not get there */
export async function tabTo(page: Page, target: Locator, most = 80): Promise<void> {
  const path: string[] = []
  for (let pressed = 0; pressed < most; pressed++) {
    if ((await target.count()) > 0 && (await target.first().evaluate(element => element === element.ownerDocument.activeElement))) return
    await page.keyboard.press('Tab')
    path.push(
      String(
        await page.evaluate(
          `(document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || document.activeElement.tagName).slice(0, 30)`,
        ),
      ),
    )
  }
  throw new Error(`the keyboard does not reach it; it went to ${path.join(' · ')}`)
}
