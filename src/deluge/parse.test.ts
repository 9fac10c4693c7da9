import { describe, expect, test } from 'vitest'
import type { Expression, Statement } from './ast.ts'
import { parse } from './parse.ts'

/** An expression in brackets that say what binds what. */
function shape(expression: Expression): string {
  const list = (values: readonly Expression[]) => values.map(shape).join(' ')
  switch (expression.kind) {
    case 'text':
      return JSON.stringify(expression.value)
    case 'quoted':
      return `'${expression.value}'`
    case 'number':
      return expression.digits
    case 'boolean':
      return String(expression.value)
    case 'null':
      return 'null'
    case 'variable':
      return expression.name
    case 'list':
      return `[${list(expression.items)}]`
    case 'map':
      return `{${expression.entries.map(({ key, value }) => `${shape(key)}:${shape(value)}`).join(' ')}}`
    case 'member':
      return `${shape(expression.object)}.${expression.name}`
    case 'call':
    case 'method': {
      const given = expression.arguments.map((value, index) => {
        const key = expression.keys?.[index]
        return key === undefined ? shape(value) : `${shape(key)}:${shape(value)}`
      })
      return `${expression.kind === 'call' ? '' : `${shape(expression.object)}.`}${expression.name}(${given.join(' ')})`
    }
    case 'unary':
      return `(${expression.operator} ${shape(expression.operand)})`
    case 'binary':
      return `(${shape(expression.left)} ${expression.operator} ${shape(expression.right)})`
    case 'task':
      return `${expression.name}<${expression.attributes.map(({ name, value }) => `${name}=${shape(value)}`).join(' ')}>`
    case 'foreign':
      return `foreign(${expression.construct})`
  }
}

function outline(statement: Statement): string {
  const block = (body: readonly Statement[]) => `{${body.map(outline).join(' ')}}`
  switch (statement.kind) {
    case 'assignment':
      return `${statement.declared === null ? '' : `${statement.declared} `}${shape(statement.target)} ${statement.operator} ${shape(statement.value)};`
    case 'expression':
      return `${shape(statement.expression)};`
    case 'if':
      return [
        ...statement.branches.map(({ condition, body }) => `if ${shape(condition)} ${block(body)}`),
        ...(statement.otherwise === null ? [] : [`else ${block(statement.otherwise)}`]),
      ].join(' ')
    case 'for each':
      return `for each ${statement.index ? 'index ' : ''}${statement.variable.name} ${shape(statement.list)} ${block(statement.body)}`
    case 'try':
      return `try ${block(statement.body)} catch ${statement.variable.name} ${block(statement.handler)}`
    case 'return':
    case 'info':
      return statement.value === null ? `${statement.kind};` : `${statement.kind} ${shape(statement.value)};`
    case 'foreign':
      return `foreign(${statement.construct});`
    default:
      return `${statement.kind};`
  }
}

function read(source: string): string {
  const { script, errors } = parse(source)
  expect(errors, source).toEqual([])
  return script.body.map(outline).join(' ')
}

const value = (source: string) => read(`x = ${source};`).slice('x = '.length, -1)

describe('expressions', () => {
  test.each([
    ['1 + 2 * 3 - 4', '((1 + (2 * 3)) - 4)', 'EX-1'],
    ['a || b && c == d < e', '(a || (b && (c == (d < e))))', 'EX-2'],
    ['(a || b) && !c', '((a || b) && (! c))', 'EX-2'],
    ['1.4+3.6.round(0)', '(1.4 + 3.6.round(0))', 'EX-17'],
    ['-218.4.round(0)', '(- 218.4.round(0))', 'EX-17'],
    ['- -x', '(- (- x))', 'EX-2'],
    ['!x.isEmpty()', '(! x.isEmpty())', 'EX-14'],
    ["'21-Jul-2021'.addDay(1)", "'21-Jul-2021'.addDay(1)", 'EX-14'],
    ['"".isEmpty()', '"".isEmpty()', 'EX-14'],
    ['r.get("a").get(0).b', 'r.get("a").get(0).b', 'EX-14'],
    ['if(a == null, {}, f(x, a))', 'if((a == null) {} f(x a))', 'EX-11'],
    ['ifNull(a,"")', 'ifNull(a "")', 'EX-12'],
    ['standalone.greet("a", 1)', 'standalone.greet("a" 1)', 'EX-15'],
    ['TRUE', 'true', 'LEX-9'],
    ['Null', 'null', 'LEX-9'],
    ['{1,2,"a"}', '[1 2 "a"]', 'LEX-10'],
    ['[1,[2]]', '[1 [2]]', 'LEX-10'],
    ['{}', '{}', 'LEX-10'],
    ['{"trigger":{"workflow"}, "data":[{"a":1}]}', '{"trigger":["workflow"] "data":[{"a":1}]}', 'LEX-10'],
    ['{1:2, {1,2}:3, a+b:c}', '{1:2 [1 2]:3 (a + b):c}', 'LEX-11'],
    ['{:}', '{}', 'LEX-12'],
    ['List:String()', 'List:String()', 'LEX-13'],
    ['{list : date(x)}', '{list:date(x)}', 'LEX-13'],
    ['Collection("k":1, "m":{2})', 'Collection("k":1 "m":[2])', 'LEX-13'],
    ['c.insert("k":1)', 'c.insert("k":1)', 'LEX-13'],
    ['418194000014192057', '418194000014192057', 'LEX-8'],
    ['"a" /* b */ + // c\n "d"', '("a" + "d")', 'LEX-1'],
  ])('%s (%s)', (source, expected) => {
    expect(value(source)).toBe(expected)
  })

  test('Creator reads || before && when asked to (EX-2)', () => {
    const { script } = parse('x = a || b && c;', { precedence: 'creator' })
    expect(script.body.map(outline)).toEqual(['x = ((a || b) && c);'])
  })

  test('parentheses are remembered where they matter (EX-2)', () => {
    const { script } = parse('x = a || (b && c);')
    expect(JSON.stringify(script)).toContain('"parenthesised":true')
  })
})

describe('statements', () => {
  test.each([
    ['x = 1; x.f = 2; x += 1; x.f -= 1; x *= 2; x /= 2; x %= 2;', 'x = 1; x.f = 2; x += 1; x.f -= 1; x *= 2; x /= 2; x %= 2;', 'ST-1'],
    ['if(a){b=1;}else if(c){} /* d */ else // e\n if(f){} ELSE {g();}', 'if a {b = 1;} if c {} if f {} else {g();}', 'ST-2'],
    ['for each  x in list { info x; }', 'for each x list {info x;}', 'ST-3'],
    ['For Each index i in {1} { }', 'for each index i [1] {}', 'ST-4'],
    ['for each index in list { break; Continue; }', 'for each index list {break; continue;}', 'ST-5'],
    ['try { a(); } catch (e) { info e.message + e.lineNo; }', 'try {a();} catch e {info (e.message + e.lineNo);}', 'ST-7'],
    ['return; ', 'return;', 'ST-8'],
    ['Return {"a":1};', 'return {"a":1};', 'ST-8'],
    ['info [1]; INFO -1; info(1);', 'info [1]; info (- 1); info 1;', 'ST-9'],
    ['info = r.get("info"); info.put("a",1);', 'info = r.get("info"); info.put("a" 1);', 'ST-9'],
    ['String file = "x";', 'String file = "x";', 'LEX-14'],
    ['List:String names = List:String();', 'List:String names = List:String();', 'LEX-14'],
    ['standalone.f(1);; f(2);', 'standalone.f(1); f(2);', 'ST-13'],
    ['if(a, b.add(1), c.add(2));', 'if(a b.add(1) c.add(2));', 'EX-11'],
  ])('%s (%s)', (source, expected) => {
    expect(read(source)).toBe(expected)
  })

  test('a header names what is returned, the namespace and the arguments; a file holds several (ST-14)', () => {
    const { script, errors } = parse(`
      // first
      void automation.Update_Lead(Int id, String name, Map m, plain) { info id; }
      map f() { return {}; }
      string thisapp.billing.total() { return ""; }
      x = 1;`)
    expect(errors).toEqual([])
    expect(script.functions.map(({ returns, namespace, name }) => [returns, namespace, name])).toEqual([
      ['void', 'automation', 'Update_Lead'],
      ['map', '', 'f'],
      ['string', 'thisapp.billing', 'total'],
    ])
    expect(script.functions[0]?.parameters.map(({ type, name }) => [type, name])).toEqual([
      ['Int', 'id'],
      ['String', 'name'],
      ['Map', 'm'],
      [null, 'plain'],
    ])
    expect(script.body).toHaveLength(1)
  })
})

describe('tasks', () => {
  test('attributes are told apart by white space only, in any order, with comments between (§2.1, LEX-1)', () => {
    expect(
      read(`r = invokeUrl
      [
        url :"https://x.com/" + id // comment
        type :POST
        headers:{"a":"b"} /* c */ parameters:m.toString()
        content-type: "x" response-format:FILE
        detailed:if(a,true,false) connection:"crm"
      ];`),
    ).toBe(
      'r = invokeUrl<url=("https://x.com/" + id) type=POST headers={"a":"b"} parameters=m.toString() ' +
        'content-type="x" response-format=FILE detailed=if(a true false) connection="crm">;',
    )
  })

  test('old scripts write a task in parentheses, with capitals; keys of a call stay keys (ST-11, LEX-13)', () => {
    expect(read('sendmail ( To : a From : zoho.adminuserid Subject : "s" Message : (("a" + b) + "c") ) x = 1;')).toBe(
      'sendmail<To=a From=zoho.adminuserid Subject="s" Message=(("a" + b) + "c")>; x = 1;',
    )
    expect(read('c = Collection("url":a);')).toBe('c = Collection("url":a);')
  })

  test('names of attributes hold spaces, lists are written with commas, attachments say file:, and no ; is needed (ST-11, LEX-2)', () => {
    expect(
      read(`sendmail
      [
        from :zoho.adminuserid
        to :"a@x.com","b@x.com"
        reply to: c
        content type : HTML
        message :"<p>
</p>"
        Attachments :file:a,file:b
      ]
      x = 1;`),
    ).toBe(
      'sendmail<from=zoho.adminuserid to=["a@x.com" "b@x.com"] reply to=c content type=HTML message="<p>\\n</p>" Attachments=[a b]>; x = 1;',
    )
    expect(read('sendsms [ to: "1" message: "m" ] x = 1;')).toBe('sendsms<to="1" message="m">; x = 1;')
  })

  test('any name with attributes in brackets is a task, whatever its dots (§2.5)', () => {
    expect(read('a = zoho.sdp.invokeurl[url:"/x"]; ftp [action: upload]; b = some.task [a b: 1].get("x");')).toBe(
      'a = zoho.sdp.invokeurl<url="/x">; ftp<action=upload>; b = some.task<a b=1>.get("x");',
    )
  })
})

describe('what only another host runs is read to its end (ST-10, ST-12)', () => {
  test.each([
    ['r = Form[ID == input.x && A.b == "]"] sort by Name desc range from 1 to 10;', 'r = foreign(fetching records of Form);'],
    ['n = Form[ID != 0].count();', 'n = foreign(fetching records of Form).count();'],
    [
      'for each r in Form[ID != 0] sort by A, B desc range from a + 1 to b.size() { r.f = 1; }',
      'for each r foreign(fetching records of Form) {r.f = 1;}',
    ],
    ['for each r in Form sort by A { }', 'for each r foreign(fetching records) {}'],
    ['id = insert into Form\n[\n\ta=1\n\tb={1,{"c":2}}\n];', 'id = foreign(insert into);'],
    ['insert into Form [a=1]\nx = 1;', 'foreign(insert into); x = 1;'],
    ['delete from Form[ID == 1];', 'foreign(delete from);'],
    ['alert "a" +\n b; hide F.g;\ncancel submit; show F', 'foreign(alert); foreign(hide); foreign(cancel submit); foreign(show);'],
    ['input.State:ui.add(s.getAll());', 'foreign(the user interface of a field);'],
    ['openUrl("x","same window"); thisapp.f(1);', 'openUrl("x" "same window"); thisapp.f(1);'],
    ['show = 1; hide = show; alert = hide.size();', 'show = 1; hide = show; alert = hide.size();'],
  ])('%s', (source, expected) => {
    expect(read(source)).toBe(expected)
  })
})

describe('mistakes', () => {
  const said = (source: string) => parse(source).errors.map(({ line, column, message }) => `${line}:${column} ${message}`)

  test.each([
    ['x = 1\ny = 2;', ["1:6 Missing ';'"], 'x = 1; y = 2;'],
    ['if(a) { x = 1 }', ["1:14 Missing ';'"], 'if a {x = 1;}'],
    ['if(a) { x = 1;', ["1:15 Expecting '}' but found 'EOF'"], 'if a {x = 1;}'],
    ['x = {"a":1', ["1:11 Expecting '}' but found 'EOF'"], ''],
    ['x = f(1;\ny = 2;', ["1:8 Expecting ')' but found ';'"], 'y = 2;'],
    ['x = {"a" 1, "b":{2}}; y = 2;', ["1:10 Expecting '}' but found '1'"], 'y = 2;'],
    ['} x = 1;', ["1:1 This '}' closes nothing."], 'x = 1;'],
    ['f(x = 1); y();', ["1:5 '=' assigns, and nothing can be assigned here."], 'f(x); y();'],
    ['if(x = ) { y(); }', ["1:8 Expecting a value but found ')'"], 'if null {y();}'],
    ['if(x) y = 1;\nelse z = 1;', ["1:7 Expecting '{' but found 'y'", "2:6 Expecting '{' but found 'z'"], 'if x {y = 1;} else {z = 1;}'],
    ['while(x) { y = ; }', ['1:1 `while` does not exist in Deluge.', "1:16 Expecting a value but found ';'"], ''],
    ['for(i = 0; i < 3; i++) { info i; }', ['1:1 A counting `for` does not exist in Deluge.'], ''],
    ['for each i in 1 to 3 { info i; }', ['1:17 There are no ranges in Deluge.'], ''],
    ['for x in l { }', ["1:1 Expecting 'each' after 'for'"], 'for each x l {}'],
    ['foreach x in l { }', ['1:1 `foreach` is written as two words.'], 'for each x l {}'],
    ['switch(a) { case 1: b(); }', ['1:1 `switch` does not exist in Deluge.'], ''],
    [
      'if x == 1 { y(); } else if z { }',
      ["1:4 Expecting '(' but found 'x'", "1:28 Expecting '(' but found 'z'"],
      'if null {y();} if null {}',
    ],
    ['try y(); catch (e) { }', ["1:5 Expecting '{' but found 'y'"], 'try {y();} catch e {}'],
    ['throw "x";', ['1:1 `throw` does not exist in Deluge.'], ''],
    ['try { } catch (e) { } finally { a(); }', ['1:23 `finally` does not exist in Deluge.'], 'try {} catch e {}'],
    ['try { a(); }\nb();', ["1:13 Expecting 'catch' but found 'b'"], 'try {a();} catch e {} b();'],
    ['let x = 1;', ['1:1 Variables are not declared.'], 'x = 1;'],
    ['function f(a) { b(); }', ['1:1 A function is not declared with `function`.'], ''],
    [
      'x = l.map(function(a) { b(); });',
      ['1:11 Deluge has no functions as values.', "1:30 This '}' closes nothing.", "1:31 Expecting a value but found ')'"],
      '',
    ],
    ['x = a ? b : c;', ["1:7 '? :' does not exist in Deluge."], ''],
    ['x++; y = 1;', ["1:2 '++' does not exist in Deluge."], 'y = 1;'],
    [
      'x = a and b or not c;',
      ["1:7 'and' is no operator in Deluge.", "1:13 'or' is no operator in Deluge.", "1:16 'not' is no operator in Deluge."],
      'x = ((a && b) || c);',
    ],
    [
      'x = a === b; y = a <> b;',
      ["1:7 '===' does not exist in Deluge.", "1:20 '<>' does not exist in Deluge."],
      'x = (a == b); y = (a < b);',
    ],
    ['x = l[0];', ['1:6 Elements are not taken with brackets.'], ''],
    ['x = “a”;', ["1:5 '“' is a typographic quotation mark, and Deluge reads only straight ones."], 'x = "a";'],
    ['null = 1;', ['1:1 This word is reserved.'], '1;'],
    ['x = y = 1;', ["1:7 '=' assigns, and stands once in a statement."], ''],
    ['invokeurl [ url: "x", type: GET ];', ["1:21 ',' stands between two attributes of invokeurl."], 'invokeurl<url="x" type=GET>;'],
    ['invokeurl [ url "x" ]; y = 1;', ["1:13 Expecting an attribute of invokeurl or ']' but found 'url'"], 'y = 1;'],
    ['if(a) { } elseif(b) { } else { }', ['1:11 `elseif` is written as two words.'], 'if a {} if b {} else {}'],
  ])('%s', (source, messages, tree) => {
    expect(said(source)).toEqual(messages)
    expect(parse(source).script.body.map(outline).join(' ')).toBe(tree)
  })

  test('every mistake says what to do instead', () => {
    for (const source of ['while(x) { }', 'x = a ? b : c;', 'x = 1', 'a === b;', 'for(;;) { }', 'throw e;', 'x = “a”;']) {
      expect(parse(source).errors[0]?.suggestion, source).toMatch(/[.;]$/)
    }
  })

  test('a brace that is missing before the next function is one finding, and the function is read', () => {
    const { script, errors } = parse('void a.f() {\n if(x) {\n y();\n}\nvoid a.g() { z(); }')
    expect(errors.map(({ line, message }) => [line, message])).toEqual([[5, "Expecting '}' but found 'void'"]])
    expect(script.functions.map(({ name }) => name)).toEqual(['f', 'g'])
  })

  test('all mistakes of a script are found at once, in its order', () => {
    const { errors } = parse('a = ;\nb = (1;\nc = “x”;\nwhile(d) { e = }\nf = 1')
    expect(errors.map(({ line }) => line)).toEqual([1, 2, 3, 4, 4, 5])
  })
})
