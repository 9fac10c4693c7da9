import { describe, expect, test } from 'vitest'
import { check, type CheckOptions } from './check.ts'
import type { Finding } from './finding.ts'

const told = (findings: readonly Finding[]) => findings.map(({ line, column, message }) => `${String(line)}:${String(column)} ${message}`)
const errorsOf = (source: string, options: CheckOptions = {}) => told(check(source, options).errors)
const warningsOf = (source: string, options: CheckOptions = {}) => told(check(source, options).warnings)
const suggestionOf = (source: string) => check(source).errors[0]?.suggestion

/** Complete, and nothing to complain about. */
const correct = `
string standalone.sync(int id, Map options)
{
	names = List:String();
	total = 0;
	for each index i in options.get("rows")
	{
		row = options.get("rows").get(i);
		if(total > 10 && !row.isEmpty())
		{
			break;
		}
		total += row.get("amount").toLong();
		names.add(ifnull(row.get("name"),"").trim());
	}
	if(options.containKey("when"))
	{
		when = options.get("when").toDate();
	}
	else
	{
		when = zoho.currentdate.addDay(-1);
	}
	try
	{
		response = invokeurl
		[
			url: "https://api.example.com/v1/" + id
			type: POST
			parameters: {"names":names, "when":when.toString("yyyy-MM-dd"), "by":zoho.loginuser}.toString()
			connection: mailchimp
		];
	}
	catch (e)
	{
		info e.message + " in line " + e.lineNo;
		return "failed";
	}
	body = {"to":input.id, "hash":zoho.encryption.md5("x")};
	body.count = names.size();
	return if(total > 0, body.toString(), response.toString());
}
`

test('a correct function has no findings, and its signature is told (ST-14)', () => {
  const result = check(correct)
  expect(told(result.errors)).toEqual([])
  expect(told(result.warnings)).toEqual([])
  expect(result.signature).toEqual({
    namespace: 'standalone',
    name: 'sync',
    returns: 'string',
    parameters: [
      { name: 'id', type: 'int' },
      { name: 'options', type: 'Map' },
    ],
  })
  expect(check('info 1;').signature).toBeNull()
})

describe('variables', () => {
  test.each([
    ['info x;', ["1:6 Variable 'x' is not defined"]],
    ['info organization.get("organization_id");', []],
    ['void a.f() { info organization; }', ["1:19 Variable 'organization' is not defined"]],
    ['info total; totals = 1;', ["1:6 Variable 'total' is not defined"]],
    ['if(1 == 2) { x = 1; } info x;', []],
    ['info x; x = 1;', ["1:6 Variable 'x' is not defined"]],
    ['for each i in {1,2} { if(i == 2) { info x; } x = i; }', []],
    ['x = x + 1;', ["1:5 Variable 'x' is not defined"]],
    ['x += 1;', ["1:1 Variable 'x' is not defined"]],
    ['Abc = 1; info abc;', ["1:15 Variable 'abc' is not defined"]],
    ['void a.f(int p) { info p; info input.p; info q; } q = 1;', ["1:46 Variable 'q' is not defined"]],
    ['try { info 1; } catch (e) { info e; } info e;', []],
    ['info today.addDay(1) + now; today = 1;', []],
    ['info zoho.currentDate; info zoho.loginuser.name;', []],
    ['info zoho.currentdat;', ["1:6 Variable 'zoho.currentdat' is not defined"]],
    ['zoho.currentdate = 1;', ["1:1 'zoho.currentdate' cannot be assigned."]],
    ['info crmAPIRequest.get("body");', []],
    ['void a.f() { info crmAPIRequest.get("body"); }', ["1:19 Variable 'crmAPIRequest' is not defined"]],
    ['x.f = 1;', ["1:1 Variable 'x' is not defined"]],
    ['input.f = 1;', []],
    ['info thisapp.variables.X + zoho.appvariable.Y;', []],
  ])('%s', (source, errors) => {
    expect(errorsOf(source)).toEqual(errors)
  })

  test('thisapp names a function of the same file, or one of the organisation (ST-10)', () => {
    const functions = 'int f(int a) { return a; } int tools.g(int a) { return a; }'
    expect(errorsOf(`${functions} info thisapp.f(1) + thisapp.tools.g(2);`)).toEqual([])
    expect(errorsOf(`${functions} info thisapp.h(1) + thisapp.f();`)).toEqual([
      '1:66 thisapp.h is not available here.',
      "1:81 Number of Arguments mismatches for the function 'f'",
    ])
    const functionExists = (namespace: string, name: string) => `${namespace}.${name}` === 'billing.total'
    expect(errorsOf('info thisapp.billing.total(1);', { functionExists })).toEqual([])
    expect(errorsOf('info thisapp.billing.sum(1);', { functionExists })).toEqual(['1:6 thisapp.billing.sum is not available here.'])
  })

  test('arguments of a script without a header are said by whoever checks it', () => {
    expect(errorsOf('info dealId.toLong();', { arguments: ['dealId'] })).toEqual([])
  })

  test('names without a value in a script without a header are one finding, with the header they want', () => {
    const source = 'deal = zoho.crm.getRecordById("Deals", dealId); info dealId + quoteId + dealId; if(stage == "x") { return stage; }'
    expect(errorsOf(source)).toEqual(["1:40 Variables 'dealId', 'quoteId' and 'stage' are not defined"])
    expect(suggestionOf(source)).toBe(
      'Where the caller hands them in, write a header: string automation.name(dealId, quoteId, stage) { … }.',
    )
    expect(check('string automation.name(dealId, quoteId, stage) { return dealId + quoteId + stage; }').errors).toEqual([])
    // one that looks like another is a misspelling of its own, and many are not listed to the end
    expect(errorsOf('quote = 1; info qoute; info first + second;')).toEqual([
      "1:17 Variable 'qoute' is not defined",
      "1:29 Variables 'first' and 'second' are not defined",
    ])
    expect(errorsOf(`x = ${Array.from({ length: 10 }, (_, i) => `wanted${'x'.repeat(i * 5)}`).join(' + ')};`)[0]).toMatch(
      /and 2 more are not defined$/,
    )
    const handed = check('info organization.get("a") + contact.get("b") + organization.get("c") + dealId;')
    expect(told(handed.warnings)).toEqual(["1:6 Variables 'organization' and 'contact' are not defined"])
    expect(handed.warnings[0]?.suggestion).toBe(
      'Elsewhere they are handed in. Here they are arguments: void automation.name(map organization, map contact, dealId) { … }.',
    )
  })

  test('a misspelt name gets the one that was meant', () => {
    expect(suggestionOf('customer = 1; info custmer;')).toBe("Did you mean 'customer'?")
    expect(suggestionOf('info zoho.currentdat;')).toBe("Did you mean 'zoho.currentdate'?")
    expect(suggestionOf('void a.f() { x = 1; info nothingLikeIt; }')).toBeNull()
  })
})

describe('calls', () => {
  test.each([
    ['x = "a"; info x.contians("b");', ["1:17 Not able to find 'contians' function"]],
    ['info contians("a","b");', ["1:6 Not able to find 'contians' function"]],
    ['info "a".contains();', ["1:10 Number of Arguments mismatches for the function 'contains'"]],
    ['info contains("a");', ["1:6 Number of Arguments mismatches for the function 'contains'"]],
    ['info contains("a","b"); info "a".CONTAINS("b");', []],
    ['info if(true,1);', ["1:6 Number of Arguments mismatches for the function 'if'"]],
    ['info ifNull(1);', ["1:6 Number of Arguments mismatches for the function 'ifnull'"]],
    ['info zoho.encryption.md6("x");', ["1:6 Not able to find 'zoho.encryption.md6' function"]],
    ['info zoho.encryption.md5();', ["1:6 Number of Arguments mismatches for the function 'zoho.encryption.md5'"]],
    ['foo.bar(1);', ["1:1 Not able to find 'foo.bar' function"]],
    ['c = Collection("k":1); c.insert("l":2); m = Map({"a":1}); l = List:Int();', []],
    ['int f(int a) { return a; } int g() { return f(1) + f(); }', ["1:52 Number of Arguments mismatches for the function 'f'"]],
    ['int a.f(int x) { return x; } info a.f(1, 2);', ["1:35 Number of Arguments mismatches for the function 'a.f'"]],
  ])('%s', (source, errors) => {
    expect(errorsOf(source)).toEqual(errors)
  })

  test('a misspelt built-in gets the one that was meant, a wrong number of arguments what is wanted', () => {
    expect(suggestionOf('info "a".contians("b");')).toBe("Did you mean 'contains'?")
    expect(suggestionOf('info "a,b".split(",");')).toBe('Write text.toList(separator).')
    expect(suggestionOf('try { info 1; } catch (e) { info e.getMessage(); }')).toBe('Write e.message.')
    expect(suggestionOf('m = {"a":1}; info m.toJSONString();')).toBe('Write toString(): a map or a list gives its JSON.')
    expect(suggestionOf('info ifnull(1);')).toBe('Write: ifnull(value, otherwise)')
  })

  test('another function may be saved later, so its absence is a warning', () => {
    const functionExists = (namespace: string, name: string) => namespace === 'standalone' && name === 'known'
    expect(warningsOf('standalone.known(1); standalone.unknown(2);', { functionExists })).toEqual([
      "1:22 Not able to find 'standalone.unknown' function",
    ])
    expect(errorsOf('standalone.unknown(2);', { functionExists })).toEqual([])
    expect(warningsOf('standalone.unknown(2);')).toEqual([])
  })
})

describe('integration tasks (§3.10)', () => {
  test.each([
    ['info zoho.crm.getRecordById("Leads", 1); info zoho.crm.GETRECORDBYID("Leads", 1, Map(), "zoho_crm");', []],
    ['info zoho.crm.getRecordById("Leads");', ["1:6 Number of Arguments mismatches for the function 'zoho.crm.getRecordById'"]],
    ['info zoho.crm.getRecordByld("Leads", 1);', ["1:6 Not able to find 'zoho.crm.getRecordByld' function"]],
    ['info zoho.crm.v8.getRecordById("Leads", 1);', []],
  ])('%s', (source, errors) => {
    expect(errorsOf(source)).toEqual(errors)
  })

  test('the connection is the last argument', () => {
    const { uses } = check(`
a = zoho.crm.getRecordById("Leads", 1, Map(), "zoho_crm");
b = zoho.crm.getRecordById("Leads", 1, "zoho_one");
c = zoho.crm.getRecordById("Leads", 1);`)
    expect(uses.connections).toEqual([
      { name: 'zoho_crm', line: 2 },
      { name: 'zoho_one', line: 3 },
    ])
    expect(uses.tasks.map(({ name }) => name)).toEqual(['zoho.crm.getrecordbyid', 'zoho.crm.getrecordbyid', 'zoho.crm.getrecordbyid'])
    const inOptions = check('zoho.crm.updateRecord("Leads", 1, Map(), {"trigger":{"workflow"}, "connection":"zoho_two"});')
    expect(inOptions.uses.connections).toEqual([{ name: 'zoho_two', line: 1 }])
    expect(check('void f(string c) { zoho.crm.getRecordById("Leads", 1, Map(), c); }').uses.dynamicConnection).toBe(true)
  })
})

describe('tasks', () => {
  test.each([
    ['invokeurl [ url: "x" tpye: GET ];', ["1:22 invokeurl has no attribute 'tpye'"]],
    ['invokeurl [ url: "x" type: GTE ];', ["1:28 'type' cannot be GTE"]],
    ['invokeurl [ url: "x" type: "post" response-format: FILE detailed: true ];', []],
    ['invokeurl [ type: GET ];', ["1:1 invokeurl needs the attribute 'url'"]],
    ['invokeurl [ url: "x" url: "y" ];', ["1:22 'url' is given twice"]],
    ['invokeurl [ url: x connection: mailchimp ];', ["1:18 Variable 'x' is not defined"]],
    ['invokurl [ url: "x" ];', ["1:1 Not able to find 'invokurl' task"]],
    ['m = Map(); m.put("a");', ["1:14 Number of Arguments mismatches for the function 'put'"]],
    ['m = Map(); m.put(m); m.put({"a":1});', []],
    [
      'l = {1,2}; info l[0]; k = 1; info l[k];',
      ['1:18 Elements are not taken with brackets.', '1:35 Elements are not taken with brackets.'],
    ],
    ['zoho.analytics.createRow("sales");', ['1:1 zoho.analytics.createRow is not available here.']],
    ['zoho.subscriptions.getList("customers","1","c"); zoho.chat.postToUser("a","b","c"); zoho.crm.create("Leads",Map());', []],
    ['rows = Collection(); row = Deals.Contacts(); rows.insert(row);', ['1:28 Deals.Contacts() is not available here.']],
    // a chat script's attribute: which account is used is the connection's to say (CON-40)
    ['invokeurl [ url: "https://a" connection: "c" useraccess: true ];', []],
    ['ftp [ action: upload ];', ['1:1 ftp is not available here.']],
    ['sendmail [ from: zoho.adminuserid to: "a" reply to: "b" subject: "s" message: "m" ]', []],
  ])('%s', (source, errors) => {
    expect(errorsOf(source)).toEqual(errors)
  })
})

test('what only another host can do is not available here, each with its line (ST-10, ST-12)', () => {
  const source = `recs = Form[ID != 0] sort by Name;
for each r in Other[ID == recs.count()]
{
	r.Name = "x";
}
id = insert into Form [ a=1 ];
delete from Form[ID == id];
alert "x";
cancel submit;
input.State:ui.add({"a"});
openUrl("https://x.com","same window");
thisapp.billing.total(1);
info old.Name;
zoho.pushNotification("x");`
  const result = check(source)
  expect(told(result.errors).filter(message => !message.endsWith('is not available here.'))).toEqual([])
  expect(result.errors.map(({ line }) => line)).toEqual([1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14])
  expect(result.uses.unavailable.map(({ construct, line }) => `${String(line)} ${construct}`)).toEqual([
    '1 fetching records of Form',
    '2 fetching records of Other',
    '6 insert into',
    '7 delete from',
    '8 alert',
    '9 cancel submit',
    '10 the user interface of a field',
    '11 openUrl',
    '12 thisapp.billing.total',
    '13 old',
    '14 zoho.pushNotification',
  ])
})

test('each says what to do instead', () => {
  const instead = (source: string) => {
    const { errors, uses } = check(source)
    expect(uses.unavailable.map(one => one.instead)).toEqual(errors.map(({ suggestion }) => suggestion))
    return errors.map(({ suggestion }) => suggestion)
  }
  expect(instead('r = Form[ID == 1]; insert into Form [ a = 1 ]; delete from Form[ID == 1];')).toEqual([
    'Call `zoho.creator.getRecords` over a connection, or an API with `invokeurl`.',
    'Call `zoho.creator.createRecord` over a connection, or an API with `invokeurl`.',
    'Call `zoho.creator.deleteRecord` over a connection, or an API with `invokeurl`.',
  ])
  expect(instead('alert "x"; hide Field; input.State:ui.add({"a"}); openUrl("https://x.com", "new window");')).toEqual([
    'Return a text: whoever called the function shows it.',
    'There is no form: return what its fields shall hold.',
    'There is no form: return what its fields shall hold.',
    'Return the address: whoever called the function opens it.',
  ])
  expect(instead('zoho.pushNotification("x"); thisapp.billing.total(1); zoho.analytics.createRow("e"); ftp [ action: upload ];')).toEqual([
    'Send a mail with `sendmail`, or call a chat service with `invokeurl`.',
    'Call a function of Patchbay by its namespace and name; `thisapp.variables.x` reads a variable.',
    'Call its API with `invokeurl`.',
    'Call a service that moves files with `invokeurl`.',
  ])
})

describe('statements', () => {
  test.each([
    ['break;', ['1:1 `break` stands in no loop.']],
    ['if(true) { continue; }', ['1:12 `continue` stands in no loop.']],
    ['for each x in {1} { if(true) { continue; } }', []],
    ['int f() { info 1; }', ["1:1 'f' returns nothing, and its header says int."]],
    ['void f() { info 1; } VOID g() { return; }', []],
    ['int f() { return 1; } int f() { return 2; }', ["1:23 There are two functions 'f'"]],
    ['int f(int a, string a) { return a; }', ["1:14 There are two arguments 'a'"]],
  ])('%s', (source, errors) => {
    expect(errorsOf(source)).toEqual(errors)
  })

  test.each([
    // what finance and chat hosts hand in is an argument here; under a header it would have to be declared
    ['info organization.get("organization_id");', ["1:6 Variable 'organization' is not defined"]],
    ['int f(int a) { if(a > 1) { return 1; } }', ["1:1 'f' does not return a value on every path."]],
    ['int f(int a) { if(a > 1) { return 1; } else { return 2; } }', []],
    ['int f(int a) { try { return a; } catch (e) { info e; } return 0; }', []],
    ['a = true; x = a && a || a;', ['1:15 && and || stand together without parentheses.']],
    ['a = true; x = (a && a) || a;', []],
    ['a = true; x = a || a && a || a && a;', ['1:15 && and || stand together without parentheses.']],
    ['x = 1; x == 2;', ['1:8 Improper Statement']],
    ['x = 1; if(x = 2) { info x; }', ["1:12 '=' compares in a condition."]],
  ])('%s warns', (source, warnings) => {
    expect(warningsOf(source)).toEqual(warnings)
  })
})

test('where the syntax is wrong, names are not doubted', () => {
  expect(errorsOf('x = ;\ninfo x; info "a".contians("b");')).toEqual([
    "1:5 Expecting a value but found ';'",
    "2:18 Not able to find 'contians' function",
  ])
})

describe('what a script uses', () => {
  test('connections: literal, bare and by a variable that is always one text (CON-6, CON-7)', () => {
    const { uses } = check(`
books = "zoho_books";
a = invokeurl [ url: "https://a.com" connection: "zoho_crm" ];
b = invokeurl [ url: "https://b.com" connection: mailchimp ];
c = invokeurl [ url: "https://c.com" connection: books ];`)
    expect(uses.connections).toEqual([
      { name: 'zoho_crm', line: 3 },
      { name: 'mailchimp', line: 4 },
      { name: 'zoho_books', line: 5 },
    ])
    expect(uses.dynamicConnection).toBe(false)
  })

  test('a connection that only a run can name is said to be so', () => {
    for (const source of [
      'void a.f(string c) { x = invokeurl [ url: "https://a.com" connection: c ]; }',
      'c = "a"; c = "b"; x = invokeurl [ url: "https://a.com" connection: c ];',
      'x = invokeurl [ url: "https://a.com" connection: "a" + "b" ];',
    ]) {
      expect(check(source).uses.dynamicConnection, source).toBe(true)
      expect(check(source).uses.connections, source).toEqual([])
    }
  })

  test('calls with their method and how their address begins, tasks and functions of other files', () => {
    const { uses } = check(`
base = "https://api.x.com/";
id = 5;
a = invokeurl [ url: base + "v1/" + id + "/x" type: PUT connection: "x" ];
b = invokeurl [ url: a.get("next") ];
c = getUrl("https://y.com");
sendmail [ from: zoho.adminuserid to: "a" subject: "s" message: "m" ]
info standalone.other(a);
m = a.get("method");
d = invokeurl [ url: "https://z.com" type: m ];`)
    expect(uses.calls).toEqual([
      { connection: 'x', method: 'PUT', url: 'https://api.x.com/v1/', line: 4 },
      { connection: null, method: 'GET', url: null, line: 5 },
      { connection: null, method: 'GET', url: 'https://y.com', line: 6 },
      { connection: null, method: null, url: 'https://z.com', line: 10 },
    ])
    expect(uses.tasks.map(({ name, line }) => `${String(line)} ${name}`)).toEqual([
      '4 invokeurl',
      '5 invokeurl',
      '6 geturl',
      '7 sendmail',
      '10 invokeurl',
    ])
    expect(uses.functions).toEqual([{ namespace: 'standalone', name: 'other', line: 8 }])
  })
})
