import { describe, expect, test } from 'vitest'
import { check } from './check.ts'

const errorsOf = (source: string) => check(source).errors.map(({ message }) => message)
const warningsOf = (source: string) => check(source).warnings.map(({ message }) => message)

describe('a mismatch that is certain is told before a run (§3.8)', () => {
  test.each([
    ['info "5" * 2;', "Type mismatch left expression: '*' is not defined for TEXT and NUMBER"],
    ['x = 2; info x / "a";', "Type mismatch right expression: '/' is not defined for NUMBER and TEXT"],
    ['info "a" - "b";', "Type mismatch left/right expression: '-' is not defined for TEXT and TEXT"],
    ["info '01-Jan-2020' + 1;", "Type mismatch left expression: '+' is not defined for DATE-TIME and NUMBER"],
    ["info '01-Jan-2020' - 1;", "Type mismatch right expression: '-' is not defined for DATE-TIME and NUMBER"],
    ['info {1} + {2};', "Type mismatch left/right expression: '+' is not defined for LIST and LIST"],
    ['info 1 + true;', "Type mismatch right expression: '+' is not defined for NUMBER and BOOLEAN"],
    ['m = Map(); info m * n();', "Type mismatch left expression: '*' is not defined for MAP"],
    ['info "a" < "b";', "Type mismatch left/right expression: '<' is not defined for TEXT"],
    ['info List() > 5;', "Type mismatch left expression: '>' is not defined for LIST"],
    ['info -"a";', "Type mismatch right expression: '-' is not defined for TEXT"],
    ['if("yes") { }', "TEXT can not be cast to 'BOOLEAN'"],
    ['x = 1; info x == 1 && 2;', "NUMBER can not be cast to 'BOOLEAN'"],
    ['info !{1};', "LIST can not be cast to 'BOOLEAN'"],
    ['info if({"a":1}, 1, 2);', "MAP can not be cast to 'BOOLEAN'"],
    ['void f(date d) { info d + 1; }', "Type mismatch left expression: '+' is not defined for DATE-TIME and NUMBER"],
    ['void f(list l, int n) { info n - l; }', "Type mismatch right expression: '-' is not defined for NUMBER and LIST"],
    ['list f() { return 1; }', "Type mismatch right expression: NUMBER can not be cast to 'list'"],
    ['map f() { return {1,2}; }', "Type mismatch right expression: LIST can not be cast to 'map'"],
  ])('%s', (source, message) => {
    expect(errorsOf(source)).toContain(message)
  })

  test('a date is moved by a method, and the finding says which', () => {
    expect(check("info '01-Jan-2020' - 1;").errors[0]?.suggestion).toBe('Write date.subDay(days).')
  })

  test('a comparison that can never hold is a warning', () => {
    expect(warningsOf('void f(int id) { if(id != "") { } }')).toEqual(['Type mismatch right expression: a NUMBER never equals this TEXT'])
    expect(warningsOf('info "many" == 1;')).toHaveLength(1)
    expect(warningsOf('info "1" == 1; info 0 != "0"; info true == "True";')).toEqual([])
  })
})

describe('what only a run can tell is left to it', () => {
  test.each([
    // assigned again, in a block, or to something unknown
    ['x = "a"; x = 5; info x * 2;'],
    ['x = "a"; for each i in {1} { x = 5; } info x * 2;'],
    ['if(true) { x = "a"; } info x * 2;'],
    ['x = {}; info x + 1;'],
    ['x = 1; x = x + 1; info x * 2;'],
    ['void f(x) { x = x + 1; info x * 2; }'],
    // an argument that is given another value
    ['void f(string s) { s = s.toLong(); info s * 2; }'],
    // a form's type takes anything
    ['void f(Orders order) { info order * 2; }'],
    // an argument may be null, which does not hold
    ['void f(string s, int n) { if(s) { } if(n) { } }'],
    // texts that write numbers and dates have an order, and a text takes anything beside it
    ['info "5" < 6; info "2020-01-01" < zoho.currentdate; info "a" + {1}; info {1} + "a";'],
    ["info '02-Jan-2020' - '01-Jan-2020'; info '10:00' < '11:00'; info '31-31-2020' + 1;"],
    ['if("true") { }'],
    ['map f() { if(1 == 1) { return ""; } return "{}"; }'],
    ['list f() { return "a,b"; }'],
    ['string f() { return {1}; }'],
    ['int f() { return " 12 "; }'],
    ['Orders f() { return 1; }'],
  ])('%s', source => {
    expect(errorsOf(source)).toEqual([])
  })

  test('a chain of thousands of operators is looked through once', () => {
    expect(errorsOf(`x = ${Array.from({ length: 20_000 }, () => '1').join(' + ')}; info x - "a";`)).toHaveLength(1)
  })
})
