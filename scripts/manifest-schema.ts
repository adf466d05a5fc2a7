import type * as v from 'valibot';

/**
 * The JSON Schema (draft 2020-12) of a valibot schema, for the parts of both that manifests are made of. Throws
 * on any other part, so that none is left out unseen.
 */
export function jsonSchemaOf(schema: v.GenericSchema): Record<string, unknown> {
	const part = schema as unknown as Part;
	const [first, ...actions] = part.pipe ?? [];
	return first ? actions.reduce(withAction, inner(first)) : bare(part);
}

/** What valibot's schemas and actions hold, as far as it is read here. */
interface Part {
	readonly type: string;
	readonly pipe?: readonly Part[];
	readonly entries?: Readonly<Record<string, Part>>;
	readonly item?: Part;
	readonly value?: unknown;
	readonly literal?: unknown;
	readonly wrapped?: Part;
	readonly getter?: (input: unknown) => Part;
	readonly default?: unknown;
	readonly options?: readonly unknown[];
	readonly requirement?: unknown;
	readonly description?: string;
	readonly metadata?: Readonly<Record<string, unknown>>;
}

type Made = Record<string, unknown>;

function inner(part: Part | undefined): Made {
	if (!part) throw new Error('A schema has no inner one.');
	return jsonSchemaOf(part as unknown as v.GenericSchema);
}

function bare(part: Part): Made {
	switch (part.type) {
		case 'string':
		case 'number':
		case 'boolean':
			return {type: part.type};
		case 'literal':
			return {const: part.literal};
		case 'picklist':
			return {enum: part.options};
		case 'array':
			return {type: 'array', items: inner(part.item)};
		case 'record':
			return {type: 'object', additionalProperties: inner(part.value as Part)};
		case 'lazy':
			return inner(part.getter?.({}));
		case 'exact_optional':
			return inner(part.wrapped);
		case 'optional':
			return {...inner(part.wrapped), default: part.default};
		case 'object':
			return objectOf(part.entries ?? {});
		case 'variant':
			return {oneOf: part.options?.map(option => inner(option as Part))};
		default:
			throw new Error(`There is no JSON Schema here for valibot's ${part.type}.`);
	}
}

function objectOf(entries: Readonly<Record<string, Part>>): Made {
	const names = Object.keys(entries);
	const required = names.filter(name => !entries[name]?.type.endsWith('optional'));
	return {
		type: 'object',
		...(required.length > 0 ? {required} : {}),
		properties: Object.fromEntries(names.map(name => [name, inner(entries[name])])),
	};
}

function withAction(made: Made, action: Part, index: number, actions: readonly Part[]): Made {
	const {requirement} = action;
	switch (action.type) {
		case 'url':
			return {...made, format: 'uri'};
		case 'non_empty':
			return {...made, minLength: 1};
		case 'min_length':
			return {...made, [made.type === 'array' ? 'minItems' : 'minLength']: requirement};
		case 'min_value':
			return {...made, minimum: requirement};
		case 'integer':
			return {...made, type: 'integer'};
		case 'regex':
			return {...made, pattern: (requirement as RegExp).source};
		case 'description':
			return {...made, description: action.description};
		case 'metadata':
			return {...made, ...action.metadata};
		case 'check':
			// A rule of our own says itself how JSON Schema says it.
			if (actions[index + 1]?.type === 'metadata') return made;
	}
	throw new Error(`There is no JSON Schema here for valibot's ${action.type}.`);
}
