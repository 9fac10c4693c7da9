import { assert, describe, test } from 'vitest'
import { attributes, html, pageText, type Html, type Piece } from './html.ts'

const drawn = (page: Html) => pageText(page)

describe('html', () => {
  test('escapes what is put in, in text and between quotes', () => {
    const evil = `<b a="1" c='2'>&amp;`
    assert.equal(drawn(html`<p title="${evil}">${evil}</p>`), '<p title="&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;">&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;</p>') // prettier-ignore
  })

  test('keeps markup that it made, joins lists, and leaves nothing out but nothing', () => {
    const empty = ['', null, undefined, false] as const
    assert.equal(drawn(html`${empty}|${0}|${['<', html`<br />`, [1, 'b']]}`), '|0|&lt;<br />1b')
  })

  test('takes no object from outside for markup', () => {
    const forged = JSON.parse('{"markup":"<script>","Symbol(markup)":"<script>"}') as Piece
    assert.throws(() => drawn(html`${forged}`))
    assert.throws(() => drawn(html`${{ toString: () => '<script>' } as unknown as Piece}`))
  })

  test('attributes are quoted and escaped; true is bare, false and nothing are left out', () => {
    const evil = `" onfocus="x`
    assert.equal(drawn(attributes({ value: evil, required: true, readonly: false, id: null, class: undefined, size: 0 })), 'value="&quot; onfocus=&quot;x" required size="0"') // prettier-ignore
  })
})
