import {decodeApiKey} from './config.ts';
import {isObject, type JsonObject, type JsonValue, member} from './json.ts';

/** A setting of `jarvis.json` that is of another form than documented, and so counts as absent. */
export interface ConfigFault {
	/** Where it stands, as `agents.list[0].name`. */
	readonly path: string;
	/** What is expected there. */
	readonly expected: string;
}

/** What a value must be to be taken, and what is in it. */
interface Shape {
	readonly expected: string;
	readonly fits: (value: JsonValue) => boolean;
	/** It is of no use without it. */
	readonly isRequired?: boolean;
	readonly members?: Readonly<Record<string, Shape>>;
	/** What each entry of a list or an object of names must be. */
	readonly each?: Shape;
}

/**
 * The parts of `jarvis.json` that the decoder leaves out because of their form. Not those that it names itself:
 * `auth.order` (nothing works with a wrong one), what a binding says, and where secrets are read from.
 * What is `null` counts as meant to be absent. No value is told: it may be a secret.
 */
export function configFaults(document: JsonObject): ConfigFault[] {
	return faultsIn(configShape, document, '');
}

function faultsIn(shape: Shape, value: JsonValue | undefined, path: string): ConfigFault[] {
	const {expected, fits, isRequired, members = {}, each} = shape;
	if (value === undefined || value === null) return isRequired ? [{path, expected}] : [];
	if (!fits(value)) return [{path, expected}];
	const inMembers = Object.entries(members).flatMap(([name, of]) =>
		faultsIn(of, member(value, name), path === '' ? name : `${path}.${name}`),
	);
	return [
		...inMembers,
		...(each ? entriesIn(value, path).flatMap(([at, entry]) => faultsIn(each, entry, at)) : []),
	];
}

function entriesIn(value: JsonValue, path: string): [string, JsonValue][] {
	if (Array.isArray(value)) return value.map((entry, index) => [`${path}[${index}]`, entry]);
	return isObject(value)
		? Object.entries(value).map(([name, entry]) => [`${path}.${shown(name)}`, entry])
		: [];
}

// A name with a dot in it, as a model's, must not look like two.
function shown(name: string): string {
	return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}

const text: Shape = {
	expected: 'a text that is not empty',
	fits: value => typeof value === 'string' && value !== '',
};
const flag: Shape = {expected: 'true or false', fits: value => typeof value === 'boolean'};
const hours: Shape = {
	expected: 'a number of hours above 0',
	fits: value => typeof value === 'number' && Number.isFinite(value) && value > 0,
};
const count: Shape = {
	expected: 'a whole number above 0',
	fits: value => Number.isSafeInteger(value) && Number(value) > 0,
};
const anything: Shape = {expected: 'anything', fits: () => true};

const objectOf = (members: Readonly<Record<string, Shape>>): Shape => ({
	...{expected: 'an object', fits: isObject, members},
});
const namesOf = (each: Shape, expected: string): Shape => ({expected, fits: isObject, each});
const listOf = (each: Shape, expected: string): Shape => ({expected, fits: Array.isArray, each});

const model: Shape = {
	expected: 'a model, or an object with primary and fallbacks',
	fits: value => text.fits(value) || isObject(value),
	members: {primary: text, fallbacks: listOf(text, 'a list of models')},
};

// The decoder says what it takes.
const apiKey: Shape = {
	expected: 'a key, or a secret ref with a source and an id',
	fits: value => decodeApiKey('', value) !== undefined,
};

const endpoints = objectOf({
	...{issuer: text, authorizationEndpoint: text, tokenEndpoint: text, clientId: text},
});

const configShape = objectOf({
	agents: objectOf({
		list: listOf(
			objectOf({
				id: {...text, expected: 'the agent’s id', isRequired: true},
				...{name: text, workspace: text, default: flag},
			}),
			'a list of agents',
		),
		defaults: objectOf({model, models: namesOf(objectOf({alias: text}), 'an object of models')}),
	}),
	auth: objectOf({
		profiles: namesOf(
			objectOf({provider: {...text, expected: 'the provider’s id', isRequired: true}}),
			'an object of profiles',
		),
		cooldowns: objectOf({
			...{billingBackoffHours: hours, billingMaxHours: hours, failureWindowHours: hours},
			billingBackoffHoursByProvider: namesOf(hours, 'an object of providers'),
		}),
	}),
	bindings: listOf(anything, 'a list of bindings'),
	channels: namesOf(
		objectOf({accounts: namesOf(anything, 'an object of accounts')}),
		'an object of channels',
	),
	models: objectOf({providers: namesOf(objectOf({apiKey, auth: endpoints}), 'an object of providers')}),
	secrets: objectOf({
		providers: namesOf(anything, 'an object of providers'),
		defaults: namesOf(text, 'an object of sources'),
		resolution: objectOf({
			...{maxProviderConcurrency: count, maxRefsPerProvider: count, maxBatchBytes: count},
		}),
	}),
});
