import * as v from 'valibot';
import {JarvisError} from '../../errors.ts';
import {codeProviderSchema, faultsIn} from '../../store/manifests.ts';
import type {OAuthCredential} from '../../store/schema.ts';
import type {IssuedCredential, IssuedOAuth, LoginIo, ProviderIo} from './contract.ts';
import {pluginFailed} from './plugin-errors.ts';
import type {PluginUse} from './plugin-protocol.ts';
import {type PluginLimits, type PluginQuestion, runPlugin} from './plugin-run.ts';
import {
	checkedAgainst,
	issuedOAuthSchema,
	issuedSchema,
	questionSchemas,
	returnSchemas,
	tellingSchemas,
} from './plugin-schema.ts';

/** One method of a code plugin's provider. */
export interface PluginMethod {
	readonly providerId: string;
	/** The module, as an absolute path. */
	readonly module: string;
	/** Which of the module's providers. */
	readonly export: number;
	/** Which of its methods. */
	readonly method: number;
}

/** What a module says of one of its providers. */
export type DescribedProvider = v.InferOutput<typeof codeProviderSchema>;

/**
 * How long each use may take. Less for a refresh than its lock is waited for, and than JARVIS gives any code of
 * a provider, so that the plugin is named; for a revocation as long as a server has.
 */
export const pluginLimits = {
	describe: {loadMs: 10_000, useMs: 12_000, answerMs: 10_000},
	login: {loadMs: 10_000, answerMs: 10_000},
	refresh: {loadMs: 10_000, useMs: 18_000, answerMs: 10_000},
	revoke: {loadMs: 9_000, useMs: 9_500, answerMs: 10_000},
} as const satisfies Record<PluginUse['name'], PluginLimits>;

/**
 * Loads a module once, and gives what it says of its providers.
 * @param name what it is called before its id is known
 * @throws `plugin_invalid` for one that exports no provider of the documented form, and as `runPlugin` does
 */
export async function describePlugin(
	name: string,
	module: string,
	limits: PluginLimits = pluginLimits.describe,
): Promise<DescribedProvider[]> {
	const given = await runPlugin({
		...{plugin: name, module, limits, use: {name: 'describe'}, doing: 'description'},
		now: Date.now,
		signal: new AbortController().signal,
	}).catch(error => {
		throw notAdded(error);
	});
	const schema = v.pipe(v.array(codeProviderSchema), v.minLength(1));
	const result = v.safeParse(schema, given);
	if (result.success) return result.output;
	throw new JarvisError(
		'plugin_invalid',
		`${name} exports no provider of the documented form as its default: ${faultsIn(result.issues)}.`,
		'Compare it with the example in docs/plugins.md. Nothing was added.',
	);
}

/**
 * Logs in by a plugin's code.
 * @throws as `runPlugin` does, and `plugin_failed` for what is not of the contract
 */
export async function loginByPlugin(
	method: PluginMethod,
	io: LoginIo,
	limits: PluginLimits = pluginLimits.login,
): Promise<IssuedCredential> {
	const given = await runPlugin({
		...{...runOf(method, io), limits, use: {name: 'login', ...refOf(method)}, doing: 'login'},
		ask: question => answerTo(method.providerId, question, io),
		tell: (name, request) => tell(method.providerId, name, request, io),
	});
	return assertOf(method.providerId, issuedSchema(io.now()), given, 'gave a login');
}

/**
 * A new access token by a plugin's code.
 * @throws as `loginByPlugin` does
 */
export async function refreshByPlugin(
	method: PluginMethod,
	credential: OAuthCredential,
	io: ProviderIo,
	limits: PluginLimits = pluginLimits.refresh,
): Promise<IssuedOAuth> {
	const use: PluginUse = {name: 'refresh', ...refOf(method), credential};
	const given = await runPlugin({...runOf(method, io), limits, use, doing: 'refresh'});
	return assertOf(method.providerId, issuedOAuthSchema(io.now()), given, 'gave a token');
}

/**
 * Ends a credential at its server by a plugin's code.
 * @throws as `loginByPlugin` does
 */
export async function revokeByPlugin(
	method: PluginMethod,
	credential: IssuedCredential,
	io: ProviderIo,
	limits: PluginLimits = pluginLimits.revoke,
): Promise<void> {
	const use: PluginUse = {name: 'revoke', ...refOf(method), credential};
	const given = await runPlugin({...runOf(method, io), limits, use, doing: 'revocation'});
	assertOf(method.providerId, v.literal(true), given, 'told of a revocation something');
}

function notAdded(error: unknown): unknown {
	if (!(error instanceof JarvisError) || error.code !== 'plugin_failed') return error;
	const {code, message, details} = error;
	return new JarvisError(code, message, 'Nothing was added. JARVIS_DEBUG=1 shows what it prints.', {details});
}

function refOf({providerId, method, export: place}: PluginMethod) {
	return {providerId, method, export: place};
}

function runOf({providerId, module}: PluginMethod, {now, signal}: ProviderIo) {
	return {plugin: providerId, module, now, signal};
}

/** Carries out what a plugin asks of the person. What its own functions then do wrong ends it as well. */
async function answerTo(
	plugin: string,
	{name, request, call}: PluginQuestion,
	io: LoginIo,
): Promise<unknown> {
	const broken = Promise.withResolvers<never>();
	broken.promise.catch(() => {});
	const returned = async <Name extends keyof typeof returnSchemas>(of: Name, argument: string) => {
		try {
			return assertOf(plugin, returnSchemas[of], await call(of, argument), 'answered something');
		} catch (error) {
			broken.reject(error);
			throw error;
		}
	};
	const carryOut = async () => {
		const asked = 'asked for something';
		switch (name) {
			case 'showLink':
				return io.showLink(assertOf(plugin, questionSchemas.showLink, request, asked));
			case 'ask': {
				const {isChecked, ...about} = assertOf(plugin, questionSchemas.ask, request, asked);
				const check = (text: string) => returned('check', text);
				return io.ask(isChecked ? {...about, check} : about);
			}
			case 'choose':
				return io.choose(assertOf(plugin, questionSchemas.choose, request, asked));
			case 'redirect': {
				const {redirectUris} = assertOf(plugin, questionSchemas.redirect, request, asked);
				const params = await io.redirect({
					redirectUris,
					url: redirectUri => returned('url', redirectUri),
					// Whoever sent the redirect gets an answer, whatever becomes of the login.
					isOurs: params => returned('isOurs', params.toString()).catch(() => false),
				});
				return params.toString();
			}
			default:
				throw pluginFailed(plugin, 'asked for something that is not of the contract');
		}
	};
	return Promise.race([carryOut(), broken.promise]);
}

function tell(plugin: string, name: string, request: unknown, io: LoginIo): void {
	const schemas = tellingSchemas(io.now());
	const told = 'told something';
	if (name === 'progress') io.progress(assertOf(plugin, schemas.progress, request, told));
	else if (name === 'showCode') io.showCode(assertOf(plugin, schemas.showCode, request, told));
	else throw pluginFailed(plugin, 'told something that is not of the contract');
}

function assertOf<const Schema extends v.GenericSchema>(
	plugin: string,
	schema: Schema,
	value: unknown,
	did: string,
): v.InferOutput<Schema> {
	const checked = checkedAgainst(schema, value);
	if ('value' in checked) return checked.value;
	throw pluginFailed(plugin, `${did} that is not of the contract (${checked.fault})`);
}
