import {resolve} from 'node:path';
import type {BrokerClient, BrokerStatus} from '../broker/contract.ts';
import {installService, type Service, serviceFor, uninstallService} from '../host/service.ts';
import {ago, clockTime, howOften, span} from '../words.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';

/** `broker`: serves the state folder until it is told to end. */
export async function runBroker(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const keepFresh = flags['keep-fresh'] === true;
	const noPeerCheck = flags['no-peer-check'] === true;
	const broker = await jarvis.startBroker({socket: socketFlag(context), keepFresh, noPeerCheck});
	const notes = [
		...(keepFresh ? ['keeps tokens fresh'] : []),
		...(noPeerCheck ? ['does not look which user asks'] : []),
	];
	context.tell([`The broker listens at ${broker.socket}`, ...notes].join(', ').concat('.'));
	const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
	const stop = () => void broker.stop();
	for (const signal of signals) process.on(signal, stop);
	try {
		await broker.ended;
	} finally {
		for (const signal of signals) process.off(signal, stop);
	}
	context.tell('The broker has ended.');
	return 0;
}

/** `broker status`: whether it runs, and who asked. */
export async function runBrokerStatus(context: CommandContext): Promise<number> {
	const status = await context.jarvis.brokerStatus(socketFlag(context));
	if (context.flags.json) printJson(context, status);
	else if (status.running) for (const line of statusLines(status, context.jarvis.now())) context.print(line);
	else context.print(`No broker runs at ${status.socket}. Start it: jarvis broker`);
	return status.running ? 0 : 1;
}

/** `broker stop`: has it end; those that are being answered are. */
export async function runBrokerStop(context: CommandContext): Promise<number> {
	const {pid} = await context.jarvis.stopBroker(socketFlag(context));
	if (context.flags.json) printJson(context, {pid});
	else context.tell(`The broker (pid ${pid}) has ended.`);
	return 0;
}

/** `broker install`: puts the file of a service in place, or prints it. Starting it is left to the person. */
export async function runBrokerInstall(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const socket = socketFlag(context);
	const service = serviceFor(
		[
			...ownCommand(),
			'broker',
			...['--state-dir', jarvis.paths.root],
			...(socket === undefined ? [] : ['--socket', socket]),
			...(flags['keep-fresh'] ? ['--keep-fresh'] : []),
		],
		jarvis.env,
		process.platform,
	);
	if (flags.print) {
		context.print(service.content.trimEnd());
		return 0;
	}
	installService(service);
	context.tell(`Wrote ${service.file}. Start it, now and at every login:`);
	for (const line of service.enable) context.print(line);
	return 0;
}

/** `broker uninstall`: removes the service's file. */
export async function runBrokerUninstall(context: CommandContext): Promise<number> {
	const service: Service = serviceFor([...ownCommand(), 'broker'], context.jarvis.env, process.platform);
	if (!uninstallService(service)) {
		context.tell(`There is no ${service.file}.`);
		return 0;
	}
	context.tell(`Removed ${service.file}. End the one that still runs:`);
	for (const line of service.disable) context.print(line);
	return 0;
}

function socketFlag(context: CommandContext): string | undefined {
	const socket = textFlag(context, 'socket');
	return socket === undefined ? undefined : resolve(socket);
}

/** This program as it was started, without what only this run was started with. */
function ownCommand(): [string, string] {
	return [process.execPath, process.argv[1] ?? 'jarvis'];
}

function statusLines(status: Extract<BrokerStatus, {running: true}>, now: number): string[] {
	const {clients, renewals} = status;
	return [
		`The broker runs at ${status.socket} (pid ${status.pid}) since ${clockTime(status.startedAt)}.`,
		`It was asked ${howOften(status.requests)}. Connections: ${status.connections} open, ${status.refused} refused.`,
		...(status.peerCheck ? [] : ['It does not look which user asks.']),
		...(status.secretsDegraded
			? ['Secret refs are degraded: what was loaded before stays in use (jarvis secrets reload).']
			: []),
		...(status.keepFresh
			? [`It keeps tokens fresh${renewals.length === 0 ? '; none runs out soon.' : ':'}`]
			: []),
		...renewals.map(({agentId, profileId, at, failed}) => {
			const why = failed === undefined ? '' : `, after ${failed}`;
			return `  ${agentId}/${profileId} is renewed in ${span(at - now)}${why}`;
		}),
		clients.length === 0 ? 'Nobody has asked yet.' : 'Who asked:',
		...clients.flatMap(client => [
			`  ${clientWords(client)}: ${howOften(client.requests)}, the last one ${ago(client.lastAt, now)}`,
			...client.got.map(
				({agentId, profileId, times: count, lastAt}) =>
					`    ${agentId}/${profileId}: ${howOften(count)}, the last one ${ago(lastAt, now)}`,
			),
		]),
	];
}

function clientWords({command, name, uid, pid}: BrokerClient): string {
	const called = name === undefined ? command : `${command} (${name})`;
	const ids = [
		...(pid === undefined ? [] : [`pid ${pid}`]),
		...(uid === undefined ? [] : [`uid ${uid}`]),
	].join(', ');
	return ids === '' ? called : `${called}, ${ids}`;
}
