import fc from 'fast-check'
import { expect, test } from 'vitest'
import { check } from './check.ts'
import { parse } from './parse.ts'
import { print } from './print.ts'

/** Everything the grammar knows, and some it does not. */
const words = [
  ...['if', 'else', 'for', 'each', 'index', 'in', 'try', 'catch', 'return', 'info', 'break', 'continue', 'while', 'throw', 'true', 'null'],
  ...['x', 'y', 'e', 'List', 'Map', 'Collection', 'String', 'void', 'standalone', 'f', 'input', 'zoho', 'get', 'put', 'not', 'and', 'is'],
  ...[
    'invokeurl',
    'sendmail',
    'url',
    'type',
    'reply',
    'to',
    'attachments',
    'file',
    'insert',
    'into',
    'delete',
    'from',
    'sort',
    'by',
    'range',
  ],
  ...['alert', 'hide', 'Form', 'function', 'new', 'let', 'foreach', 'elseif', 'do', 'switch', 'finally'],
  ...[
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    ';',
    ':',
    '.',
    '?',
    '=',
    '+=',
    '+',
    '-',
    '*',
    '/',
    '%',
    '==',
    '!=',
    '<',
    '>',
    '<=',
    '&&',
    '||',
    '!',
  ],
  ...[
    '"a"',
    "'b'",
    '"c\\n\\d"',
    "'01-Jan-2019'",
    '1',
    '2.5',
    '.5',
    '12345678901234567890',
    '//c\n',
    '/*c*/',
    '\n',
    '"',
    "'",
    '“',
    '@',
    'é',
    '\\',
  ],
]
const soup = fc.array(fc.constantFrom(...words), { maxLength: 60 }).map(parts => parts.join(' '))
const noise = fc.oneof(soup, fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 200 }))

/** A tree without places. */
const bare = (tree: unknown): unknown =>
  JSON.parse(JSON.stringify(tree, (key, value: unknown) => (key === 'start' || key === 'end' || key === 'nameStart' ? undefined : value)))

function printsAsItself(source: string): void {
  const { script } = parse(source)
  const printed = print(script)
  const again = parse(printed)
  expect(again.errors, printed).toEqual([])
  expect(bare(again.script), printed).toEqual(bare(script))
  expect(print(again.script)).toBe(printed)
}

test('no source makes the parser or the checker throw, and every finding has a place in it', () => {
  fc.assert(
    fc.property(noise, source => {
      const lines = source.split('\n')
      const { errors, warnings } = check(source)
      for (const { line, column, endLine, endColumn } of [...errors, ...warnings]) {
        expect(line).toBeLessThanOrEqual(endLine)
        expect(endLine).toBeLessThanOrEqual(lines.length)
        expect(column).toBeGreaterThan(0)
        expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1)
        expect(endColumn).toBeLessThanOrEqual((lines[endLine - 1] ?? '').length + 1)
      }
    }),
    { numRuns: 1500 },
  )
})

test('whatever parses is printed, parsed and printed again as the same', () => {
  let printed = 0
  fc.assert(
    fc.property(soup, source => {
      if (parse(source).errors.length > 0) return
      printed += 1
      printsAsItself(source)
    }),
    { numRuns: 3000 },
  )
  expect(printed).toBeGreaterThan(0)
})

const name = fc.constantFrom('x', 'y', 'info', 'list', 'show', 'each', 'index', 'type', 'if_', 'Form', 'break_')
const leaf = fc.oneof(
  name,
  fc.constantFrom(
    '1',
    '2.5',
    '.5',
    'true',
    'null',
    '{}',
    '{:}',
    'List()',
    'List:String()',
    "'01-Jan-2019'",
    'zoho.currentdate',
    'Form[ID == 1]',
  ),
  fc.string({ maxLength: 8 }).map(text => JSON.stringify(text.replace(/[\b\f]/g, ''))),
)
const { expression } = fc.letrec<{ expression: string; list: string; entries: string }>(tie => ({
  expression: fc.oneof(
    { depthSize: 'medium' },
    leaf,
    fc
      .tuple(tie('expression'), fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||'), tie('expression'))
      .map(parts => parts.join(' ')),
    tie('expression').map(inner => `(${inner})`),
    fc.tuple(fc.constantFrom('!', '-', '- -', '+'), tie('expression')).map(([sign, inner]) => `${sign}(${inner})`),
    fc.tuple(tie('expression'), name, tie('list')).map(([object, method, given]) => `(${object}).${method}(${given}).f`),
    fc.tuple(name, tie('list')).map(([called, given]) => `${called}(${given})`),
    tie('list').map(items => `{${items}}`),
    tie('list').map(items => `[${items}]`),
    tie('entries').map(entries => `{${entries}}`),
    tie('entries').map(entries => `Collection(${entries})`),
    fc.tuple(tie('expression'), tie('list')).map(([url, to]) => `invokeurl [ url: ${url} type: POST reply to: {${to}} content-type: "a" ]`),
  ),
  list: fc.array(tie('expression'), { maxLength: 3 }).map(items => items.join(', ')),
  entries: fc
    .array(fc.tuple(tie('expression'), tie('expression')), { minLength: 1, maxLength: 2 })
    .map(pairs => pairs.map(([key, value]) => `(${key}) : ${value}`).join(', ')),
}))
const { body } = fc.letrec<{ statement: string; body: string }>(tie => ({
  statement: fc.oneof(
    { depthSize: 'medium' },
    fc.tuple(name, fc.constantFrom('=', '+=', '%='), expression).map(([target, operator, given]) => `(${target}).f ${operator} ${given};`),
    fc.tuple(fc.constantFrom('x', 'String x', 'info', 'x.f'), expression).map(([target, given]) => `${target} = ${given};`),
    expression.map(given => `(${given}).f(1);`),
    expression.map(given => `(${given});`),
    fc.tuple(fc.constantFrom('info', 'return'), expression).map(([word, given]) => `${word} (${given});`),
    fc.constantFrom(
      'return;',
      'break;',
      'continue;',
      'alert "a";',
      'hide x;',
      'insert into Form [a=1];',
      'if(a, b, c);',
      ';',
      'x:ui.add(1);',
    ),
    fc
      .tuple(expression, tie('body'), tie('body'), tie('body'))
      .map(([condition, a, b, c]) => `if(${condition}) {${a}} else if(x) {${b}} else {${c}}`),
    fc
      .tuple(fc.constantFrom('', 'index '), name, expression, tie('body'))
      .map(([index, item, list, a]) => `for each ${index}${item} in ${list} {${a}}`),
    fc.tuple(tie('body'), name, tie('body')).map(([a, caught, b]) => `try {${a}} catch (${caught}) {${b}}`),
  ),
  body: fc.array(tie('statement'), { maxLength: 3 }).map(statements => statements.join('\n')),
}))
const source = fc.tuple(body, body).map(([loose, inside]) => `${loose}\nmap standalone.f(string a, b) {${inside}}`)

test('parse → print → parse is stable for programs of every construct', () => {
  fc.assert(
    fc.property(source, program => {
      expect(parse(program).errors, program).toEqual([])
      printsAsItself(program)
    }),
    { numRuns: 250 },
  )
})

test('deep nesting is one finding, not the end of the stack', () => {
  for (const part of ['(', '[', '{', '!', '-', 'f(', 'x.f(', '{"a":', 'if(a) {', 'for each x in l {', 'try {', 'a[b:', 'if(a) ']) {
    const { errors } = parse(
      `x = 1; ${['if', 'for', 'try'].includes(part.slice(0, part.search(/\W/))) ? '' : 'y = '}${part.repeat(50_000)}`,
    )
    expect(
      errors.map(({ message }) => message).filter(message => message === 'This is nested too deeply.'),
      part,
    ).toHaveLength(1)
  }
})

test('long chains need no more stack than short ones', () => {
  const text = `x = "a"${' + "b"'.repeat(50_000)}; y = m${'.get("a")'.repeat(30_000)};`
  const { script, errors } = check(text, { arguments: ['m'] })
  expect(errors).toEqual([])
  expect(print(script).length).toBeGreaterThan(500_000)
})

test('long sources end in time that grows with their length, and longer ones are refused', () => {
  const parts = [
    ')x;',
    'x y ',
    'x y z ',
    'void f(',
    'void f(){',
    'a[',
    'a[b:c ',
    'insert into F [',
    'x = {',
    'a.b.c ',
    'if(a){}else ',
    'for each x in ',
  ]
  for (const part of [
    ...parts,
    'x = 1\n',
    'a?b;',
    'a:',
    '[1]',
    'x++;',
    'hide x ',
    'catch(',
    'and ',
    'List:String(',
    '{"a":1},',
    '"a"',
    '= = ',
  ]) {
    // time of the processor: a busy machine takes longer by the clock
    const started = process.cpuUsage()
    check(part.repeat(Math.floor(250_000 / part.length)))
    const { user, system } = process.cpuUsage(started)
    expect((user + system) / 1000, part).toBeLessThan(3000)
  }
  expect(parse(' '.repeat(1_048_577)).errors.map(({ message }) => message)).toEqual(['This source is too long.'])
}, 180_000)
