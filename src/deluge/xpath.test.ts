import { assert, describe, test } from 'vitest'
import { scriptedHost } from '../../test/support/scripted-host.ts'
import { Failure } from './failure.ts'
import { defaultLimits, meterOf } from './limits.ts'
import { parseXml } from './xml.ts'
import { selectXPath, stringValue } from './xpath.ts'

const { meter } = scriptedHost().context
const shop =
  '<?xml version="1.0"?><!-- shop --><shop><book id="1"><title>Ada &amp; co</title><price>30</price></book>' +
  '<book id="2" lang="en"><title><![CDATA[<b>]]></title><price>12.5</price></book><s:note xmlns:s="urn:s">n</s:note></shop>'

function found(path: string, source = shop): string[] | string | number | boolean {
  const value = selectXPath(parseXml(source, meter), path, meter)
  return typeof value === 'object' ? value.map(node => stringValue(node)) : value
}

describe('an XPath', () => {
  const cases: readonly [path: string, gives: ReturnType<typeof found>][] = [
    ['/shop/book/title', ['Ada & co', '<b>']],
    ['shop/book[2]/title/text()', ['<b>']],
    ['//book[last()]/@id', ['2']],
    ['//@id', ['1', '2']],
    ['//book[@lang]/price', ['12.5']],
    ['//book[price > 20]/title', ['Ada & co']],
    ['//book[title="<b>" and not(@id=1)]/@lang', ['en']],
    ['//price/../@id', ['1', '2']],
    ['//title/ancestor::shop/s:note', ['n']],
    ['//book[1]/following-sibling::*[1]/@id', ['2']],
    ['//book[2]/preceding-sibling::book/@id', ['1']],
    ['/shop/*[position() < 3]/@id', ['1', '2']],
    ['(//price)[2]', ['12.5']],
    ['//title | //price', ['Ada & co', '30', '<b>', '12.5']],
    ['/shop/s:*', ['n']],
    ['//*[local-name()="note"]', ['n']],
    ['sum(//price) * 2', 85],
    ['count(//book) div 4', 0.5],
    ['-count(//book) + 3', 1],
    ['concat(name(/*), "-", string(//price))', 'shop-30'],
    ['substring("12345", 2, 3)', '234'],
    ['normalize-space("  a  b ")', 'a b'],
    ['translate("bar", "abc", "AB")', 'BAr'],
    ['contains(//title, "Ada") or false()', true],
    ['string-length(substring-after("a=b", "="))', 1],
    ['/shop/comment()', []],
    ['/comment()', [' shop ']],
  ]
  for (const [path, gives] of cases) test(`${path} finds what XPath 1.0 says`, () => void assert.deepEqual(found(path), gives))

  test('that is not one says what is wrong', () => {
    for (const path of ['', '/shop[', '//', 'a b', 'nosuch()', '$x', 'namespace::a', '1/a', 'x'.repeat(20_000), '('.repeat(5000)])
      assert.throws(() => found(path), Failure, /The XPath is not valid/, path)
  })

  test('ends with the time of the run when it would take for ever', () => {
    let clock = 0
    const short = meterOf(
      { ...defaultLimits, milliseconds: 1000 },
      () => (clock += 10),
      () => false,
      () => 0,
    )
    const document = parseXml(`<r>${'<i/>'.repeat(2000)}</r>`, meter)
    assert.throws(() => selectXPath(document, '//*[count(//*[count(//*) > 0]) > 0]', short), Failure, 'longer than its limit')
  })

  test('walks many nodes in time that grows with them', () => {
    const document = parseXml(`<r>${'<i a="1">x</i>'.repeat(50_000)}</r>`, meter)
    const before = performance.now()
    assert.equal(selectXPath(document, 'count(//i/text())', meter), 50_000)
    assert.isBelow(performance.now() - before, 5000)
  })
})

describe('XML', () => {
  test('that is not well formed is refused with the place', () => {
    for (const source of [
      '',
      'text',
      '<a>',
      '</a>',
      '<a></b>',
      '<a b=c/>',
      '<a b="1" b="2"/>',
      '<a>&nosuch;</a>',
      '<a>&</a>',
      '<a><!-- </a>',
      '<a/>x',
      '<1/>',
      '<a b="<"/>',
    ])
      assert.throws(() => parseXml(source, meter), Failure, /not valid XML/, source)
  })

  test('with a document type is refused, so that no entity expands or fetches', () => {
    const laughs = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><a>&b;</a>'
    assert.throws(() => parseXml(laughs, meter), Failure, 'document type')
  })

  test('that is too deep or too large ends at a limit', () => {
    assert.throws(() => parseXml('<a>'.repeat(100_000), meter), Failure, 'nested 200 deep')
    const small = scriptedHost([], { limits: { memory: 1_000_000 } }).context.meter
    assert.throws(() => parseXml(`<r>${'<i/>'.repeat(10_000)}</r>`, small), Failure, 'too large')
  })
})
