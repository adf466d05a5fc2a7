import {pathToFileURL} from 'node:url';
import {parentPort, workerData} from 'node:worker_threads';
import type {AuthMethod, CodeMethod, LoginIo, PluginProvider, ProviderIo} from './contract.ts';
import {
	type FromWorker,
	longestResult,
	type MethodRef,
	type PluginTask,
	type Thrown,
	type ToWorker,
} from './plugin-protocol.ts';

/**
 * Runs one use of a code plugin, in a thread of its own (docs/plugins.md): loads the module, calls its function,
 * and carries what that asks of the person to the program and back. It checks nothing that the program does
 * not check again.
 */

const task: PluginTask = workerData;

/** How long (ms) several tellings may come together: a plugin that tells in a loop must not flood the program. */
const tellPauseMs = 100;

const mostQuestions = 16;

/** How long (ms) a plugin that is told to stop has to close what it opened. */
const closingMs = 20;

type Callbacks = Readonly<Record<string, ((argument: string) => unknown) | undefined>>;

const stop = new AbortController();
const questions = new Map<
	number,
	{readonly answer: (value: unknown) => void; readonly callbacks: Callbacks}
>();
let lastId = 0;

parentPort?.on('message', (message: ToWorker) => {
	switch (message.type) {
		case 'ping':
			return send({type: 'pong'});
		case 'answer':
			questions.get(message.id)?.answer(message.value);
			questions.delete(message.id);
			return;
		case 'call':
			return call(message).catch(failed);
		case 'abort':
			stop.abort();
			setTimeout(() => process.exit(), closingMs);
	}
});
// What is thrown past every await goes the way of all messages: an error of the thread may overtake them.
process.on('uncaughtException', failed);
process.on('unhandledRejection', failed);
run().catch(failed);

async function run(): Promise<void> {
	const {default: exported} = await import(pathToFileURL(task.module).href);
	send({type: 'loaded'});
	const providers: readonly PluginProvider[] = Array.isArray(exported) ? exported : [exported];
	const {use} = task;
	const result = use.name === 'describe' ? providers.map(described) : await carriedOut(providers, use);
	const json = JSON.stringify(result) ?? 'null';
	// One that is too long is not even sent.
	send({type: 'done', json: json.length > longestResult ? '' : json});
}

async function carriedOut(
	providers: readonly PluginProvider[],
	use: Exclude<PluginTask['use'], {readonly name: 'describe'}>,
): Promise<unknown> {
	const method = methodOf(providers, use);
	switch (use.name) {
		case 'login':
			return method?.login?.(loginIo());
		case 'refresh':
			return method?.refresh?.(use.credential, providerIo());
		case 'revoke':
			await method?.revoke?.(use.credential, providerIo());
			return true;
	}
}

// A module that has changed since it was added may hold another provider in that place.
function methodOf(providers: readonly PluginProvider[], ref: MethodRef): Partial<CodeMethod> | undefined {
	const provider = providers[ref.export];
	if (provider?.id !== ref.providerId) return undefined;
	return provider.auth[ref.method] as Partial<CodeMethod> | undefined;
}

// What is no provider goes as it is: the program says what is wrong with it.
function described(provider: PluginProvider): unknown {
	const auth: unknown = provider?.auth;
	return Array.isArray(auth) ? {...provider, auth: auth.map(describedMethod)} : provider;
}

function describedMethod(method: AuthMethod): unknown {
	if (typeof (method as Partial<CodeMethod>)?.login !== 'function') return method;
	const {method: name, label, hint, refresh, revoke} = method as CodeMethod;
	return {
		...{method: name, label, hint, code: true},
		refreshes: typeof refresh === 'function',
		revokes: typeof revoke === 'function',
	};
}

function providerIo(): ProviderIo {
	return {fetch, now: () => Date.now() + task.clockOffsetMs, signal: stop.signal};
}

function loginIo(): LoginIo {
	return {
		...providerIo(),
		progress: text => tell('progress', text),
		showCode: code => tell('showCode', code),
		showLink: link => ask<string>('showLink', link),
		ask: ({check, ...question}) => ask<string>('ask', {...question, isChecked: check !== undefined}, {check}),
		choose: question => ask<string>('choose', question),
		async redirect({redirectUris, url, isOurs}) {
			const query = await ask<string>(
				'redirect',
				{redirectUris},
				{url, isOurs: search => isOurs(new URLSearchParams(search))},
			);
			return new URLSearchParams(query);
		},
	};
}

function ask<Answer>(name: string, request: unknown, callbacks: Callbacks = {}): Promise<Answer> {
	if (questions.size >= mostQuestions) throw new RangeError('Too many questions at once.');
	lastId += 1;
	const id = lastId;
	const {promise, resolve} = Promise.withResolvers<Answer>();
	questions.set(id, {answer: value => resolve(value as Answer), callbacks});
	// What was told before is shown before.
	tellAll();
	send({type: 'ask', id, name, request: plain(request)});
	return promise;
}

async function call({id, call, name, argument}: Extract<ToWorker, {readonly type: 'call'}>): Promise<void> {
	const value = await questions.get(id)?.callbacks[name]?.(argument);
	send({type: 'returned', call, value: plain(value)});
}

const toTell = new Map<string, unknown>();

function tell(name: string, request: unknown): void {
	if (toTell.size === 0) setTimeout(tellAll, tellPauseMs);
	toTell.delete(name);
	toTell.set(name, plain(request));
}

function tellAll(): void {
	for (const [name, request] of toTell) send({type: 'tell', name, request});
	toTell.clear();
}

// Functions and the like cannot be sent, and are no part of what is.
function plain(value: unknown): unknown {
	return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function failed(error: unknown): void {
	// For whoever writes the plugin: the program drops this unless it is debugged.
	if (task.isDebugged && error instanceof Error) process.stderr.write(`${error.stack}\n`);
	const {name, code = codeOfFetch(error), status, retryAfter} = Object(error) as Thrown;
	send({type: 'threw', ...(JSON.parse(JSON.stringify({name, code, status, retryAfter})) as Thrown)});
}

function send(message: FromWorker): void {
	parentPort?.postMessage(message);
}

// What fetch throws where no answer came hides the system's code in its cause.
function codeOfFetch(error: unknown): string | undefined {
	const isOfFetch = error instanceof TypeError && typeof Object(error.cause).code === 'string';
	return isOfFetch ? 'login_unreachable' : undefined;
}
