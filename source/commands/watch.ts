import {resolve} from 'node:path';
import {concernLine, concernWords} from '../auth/concern-words.ts';
import {JarvisError} from '../errors.ts';
import {alertSequence} from '../host/alert.ts';
import {findProgram} from '../host/run-program.ts';
import {type Hooks, startHooks} from '../watch/hooks.ts';
import {openTextfile, type Textfile} from '../watch/textfile.ts';
import type {Watch, WatchLook, WatchOptions} from '../watch/watcher.ts';
import {parseSpan, shortPath} from '../words.ts';
import {type CommandContext, listFlag, longestSpanMs, textFlag} from './command.ts';

/** Where what is found goes, beside standard output. */
interface Outlets {
	readonly hooks?: Hooks | undefined;
	readonly textfile?: Textfile | undefined;
}

/** `watch`: tells what needs a person, now and at every change. */
export async function runWatch(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	if (flags.once && flags['keep-fresh']) {
		throw new JarvisError('usage', '--once does not stay to keep tokens fresh.', 'Leave one of them out.');
	}
	const options: WatchOptions = {
		warnMs: warnFlag(context),
		keepFresh: flags['keep-fresh'] === true,
		refreshes: flags.textfile !== undefined,
		agentId: flags.agent === undefined ? undefined : await jarvis.agent(textFlag(context, 'agent')),
	};
	const outlets = openOutlets(context);
	if (!flags.once) return watchOn(context, options, outlets);
	const look = await jarvis.lookOnce(options);
	tell(context, outlets, look);
	await outlets.hooks?.idle();
	const levels = look.events.map(({level}) => level);
	if (levels.includes('now')) return 1;
	return levels.includes('soon') ? 2 : 0;
}

async function watchOn(context: CommandContext, options: WatchOptions, outlets: Outlets): Promise<number> {
	const {jarvis} = context;
	const ended = Promise.withResolvers<number>();
	const endings = [
		['SIGINT', () => ended.resolve(130)],
		['SIGTERM', () => ended.resolve(0)],
		['SIGHUP', () => ended.resolve(0)],
	] as const;
	for (const [signal, end] of endings) process.on(signal, end);
	let isBegun = false;
	let watch: Watch | undefined;
	try {
		watch = await jarvis.startWatch(options, look => {
			if (!isBegun) context.tell(beginning(context, look));
			isBegun = true;
			tell(context, outlets, look);
		});
		return await ended.promise;
	} finally {
		await Promise.all([watch?.stop(), outlets.hooks?.stop()]);
		for (const [signal, end] of endings) process.removeListener(signal, end);
	}
}

function openOutlets(context: CommandContext): Outlets {
	const {jarvis} = context;
	const file = textFlag(context, 'textfile');
	const hook = textFlag(context, 'hook');
	return {
		textfile: file === undefined ? undefined : openTextfile(jarvis, resolve(file)),
		hooks:
			hook === undefined ? undefined : startHooks(jarvis, {name: hook, file: findProgram(hook, jarvis.env)}),
	};
}

function tell(context: CommandContext, {hooks, textfile}: Outlets, look: WatchLook): void {
	for (const event of look.events) {
		context.print(context.flags.json ? JSON.stringify(event) : concernLine(event));
		if (context.flags.bell && event.level !== 'well') ring(context, event);
		hooks?.add(event, look.watched.snapshot);
	}
	textfile?.write(look);
}

function ring({jarvis}: CommandContext, event: WatchLook['events'][number]): void {
	const {what, subject} = concernWords(event);
	const terminal = [process.stdout, process.stderr].find(({isTTY}) => isTTY);
	terminal?.write(alertSequence(`jarvis: ${what} ${subject}`.trimEnd(), jarvis.env));
}

function beginning({jarvis}: CommandContext, {events}: WatchLook): string {
	const folder = shortPath(jarvis.paths.root, jarvis.env.HOME);
	return `Watching ${folder}${events.length === 0 ? ': nothing needs a person' : ''}.`;
}

function warnFlag(context: CommandContext): readonly number[] {
	const texts = textFlag(context, 'warn') === undefined ? ['14d', '3d', '1d'] : listFlag(context, 'warn');
	const spans = texts.map(text => ({text, ms: parseSpan(text) ?? Number.NaN}));
	const odd = spans.find(({ms}) => !(ms > 0 && ms <= longestSpanMs));
	if (spans.length > 0 && !odd) return spans.map(({ms}) => ms);
	throw new JarvisError(
		'usage',
		odd ? `--warn ${JSON.stringify(odd.text)} is no span of time.` : '--warn names no span of time.',
		'Write numbers with s, m, h or d, for example 14d,3d,1d.',
	);
}
