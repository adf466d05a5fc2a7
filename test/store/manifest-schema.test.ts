import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import * as v from 'valibot';
import {expect, it, test} from 'vitest';
import {manifestSchema} from '../../source/store/manifests.ts';

const file = new URL('../../docs/jarvis.plugin.schema.json', import.meta.url);
const published: Schema = JSON.parse(readFileSync(file, 'utf8'));
const example = readFileSync(
	new URL('../../examples/plugins/acme-manifest/jarvis.plugin.json', import.meta.url),
	'utf8',
);

/** JSON Schema (draft 2020-12), as far as the published one goes. Written apart from what makes it. */
interface Schema {
	readonly [keyword: string]: unknown;
}

/** Keywords that say nothing of what is valid. */
const annotations = ['$schema', 'title', 'description', 'default'];

type Rule = (argument: never, value: unknown, schema: Schema) => boolean;

const rules: Readonly<Record<string, Rule>> = {
	type: (type: string, value) => typeOf(value) === type || (type === 'integer' && Number.isInteger(value)),
	const: (constant: unknown, value) => value === constant,
	enum: (values: readonly unknown[], value) => values.includes(value),
	required: (names: readonly string[], value) =>
		typeOf(value) !== 'object' || names.every(name => Object.hasOwn(value as object, name)),
	properties: (properties: Readonly<Record<string, Schema>>, value) =>
		membersOf(value).every(([name, member]) => {
			const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
			return !schema || isValid(schema, member);
		}),
	additionalProperties: (schema: Schema, value) =>
		membersOf(value).every(([, member]) => isValid(schema, member)),
	items: (schema: Schema, value) => !Array.isArray(value) || value.every(item => isValid(schema, item)),
	minItems: (least: number, value) => !Array.isArray(value) || value.length >= least,
	minLength: (least: number, value) => typeof value !== 'string' || [...value].length >= least,
	minimum: (least: number, value) => typeof value !== 'number' || value >= least,
	pattern: (pattern: string, value) => typeof value !== 'string' || new RegExp(pattern, 'u').test(value),
	format: (format: string, value) => format === 'uri' && (typeof value !== 'string' || URL.canParse(value)),
	anyOf: (schemas: readonly Schema[], value) => schemas.some(schema => isValid(schema, value)),
	oneOf: (schemas: readonly Schema[], value) => schemas.filter(schema => isValid(schema, value)).length === 1,
};

function isValid(schema: Schema, value: unknown): boolean {
	return Object.entries(schema).every(([keyword, argument]) => {
		if (annotations.includes(keyword)) return true;
		const rule = rules[keyword];
		if (!rule) throw new Error(`No rule here for ${keyword}.`);
		return rule(argument as never, value, schema);
	});
}

function typeOf(value: unknown): string {
	if (Array.isArray(value)) return 'array';
	return value === null ? 'null' : typeof value;
}

function membersOf(value: unknown): [string, unknown][] {
	return typeOf(value) === 'object' ? Object.entries(value as object) : [];
}

/** All places in a document, as paths. */
function placesIn(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
	if (typeof value !== 'object' || value === null) return [path];
	return [
		path,
		...Object.keys(value).flatMap(key => placesIn(value[key as keyof typeof value], [...path, key])),
	];
}

/** The document with another value in a place, or without it. */
function changed(document: unknown, path: readonly (string | number)[], value: unknown): unknown {
	const [first, ...rest] = path;
	if (first === undefined) return value;
	if (Array.isArray(document)) {
		const copy: unknown[] = [...document];
		copy[Number(first)] = changed(copy[Number(first)], rest, value) ?? null;
		return copy;
	}
	const {[first]: present, ...others} = document as Record<string, unknown>;
	const member = changed(present, rest, value);
	return member === undefined ? others : {...others, [first]: member};
}

const junk = fc.oneof(
	fc.constant(undefined),
	fc.constantFrom(null, true, false, '', 0, 1, -1, 1.5, [], {}, [''], ['a'], [1], {a: 'b'}, {a: 1}),
	fc.constantFrom(
		'oauth',
		'device_code',
		'api_key',
		'custom',
		'GET',
		'PUT',
		'acme',
		'Acme',
		'../a',
		'a\u001b[2J',
	),
	fc.constantFrom('https://a.example.test/', 'http://127.0.0.1:1/', 'nowhere', 'mailto:a', '//a'),
	fc.jsonValue({maxDepth: 2}),
);

const full = {
	...JSON.parse(example),
	auth: [
		{
			...{
				method: 'oauth',
				authorizationEndpoint: 'https://a.example.test/a',
				tokenEndpoint: 'https://a.example.test/t',
			},
			...{clientId: 'c', scopes: [], redirectUris: ['http://127.0.0.1:1/'], authorizeParams: {a: 'b'}},
		},
		{
			...{method: 'device_code', deviceAuthorizationEndpoint: 'https://a.example.test/d'},
			...{tokenEndpoint: 'https://a.example.test/t', clientId: 'c'},
		},
		...JSON.parse(example).auth,
		{method: 'token', form: {prefix: 'a', isStrict: true, usualLength: 3}, hint: 'h'},
	],
	probes: [
		{
			...{kinds: ['oauth'], url: 'https://a.example.test/', method: 'POST', secretHeader: 'x-key'},
			...{headers: {a: 'b'}, accountHeader: 'x-account'},
		},
	],
};

it('takes the example, and all that there can be in a manifest', () => {
	for (const document of [JSON.parse(example), full]) {
		expect(v.safeParse(manifestSchema, document).success).toBe(true);
		expect(isValid(published, document)).toBe(true);
	}
});

test('what is published says the same as what is checked', () => {
	const places = placesIn(full);
	const change = fc.record({place: fc.constantFrom(...places), value: junk});
	let taken = 0;
	fc.assert(
		fc.property(fc.array(change, {minLength: 1, maxLength: 2}), changes => {
			let document: unknown = full;
			for (const {place, value} of changes) {
				// A place may be gone with the one around it.
				if (placesIn(document).some(other => other.join('/') === place.join('/')))
					document = changed(document, place, value);
			}
			const {success} = v.safeParse(manifestSchema, document);
			if (success) taken += 1;
			expect(isValid(published, document)).toBe(success);
		}),
		{numRuns: 3000},
	);
	// Both kinds were among them.
	expect(taken).toBeGreaterThan(100);
	expect(taken).toBeLessThan(2900);
});
