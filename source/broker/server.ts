import {createServer, type ServerResponse} from 'node:http';
import {faultWords} from '../auth/secrets/report.ts';
import type {SecretsReport} from '../auth/secrets/runtime.ts';
import type {Jarvis} from '../core.ts';
import {startRenewals} from '../staying/renewals.ts';
import {keepSecretsLoaded} from '../staying/secrets.ts';
import type {StatePaths} from '../store/paths.ts';
import {listAgentIds} from '../store/profiles.ts';
import {sparingLog} from '../store/sparing-log.ts';
import {watchState} from '../store/watch.ts';
import {keepAnswers, lookAt} from './answers.ts';
import {keepLedger} from './clients.ts';
import {guardConnections} from './connections.ts';
import {idleTimeoutMs, maxHeadBytes, ownVersion, protocol, requestTimeoutMs} from './contract.ts';
import {loadPeerLookup} from './peer.ts';
import {answer, type Routes} from './routes.ts';
import {claimSocket} from './socket.ts';
import {serveSubscriptions} from './subscriptions.ts';

export interface BrokerOptions {
	/** Where it listens; in the state folder if absent. */
	readonly socket?: string | undefined;
	/** Renews tokens before they run out. */
	readonly keepFresh?: boolean;
	/** Lets in whoever can open the socket, for where the system does not tell who that is. */
	readonly noPeerCheck?: boolean;
}

export interface Broker {
	readonly socket: string;
	/** Ends it: those that are being answered are, and nobody else is let in. */
	stop(): Promise<void>;
	/** Settles when it has ended, whoever ended it. */
	readonly ended: Promise<void>;
}

/** How long (ms) requests are still read at the end. */
const lastCallMs = 50;

/** How long (ms) those that are being answered are waited for at the end. */
const farewellMs = 10_000;

/**
 * Serves a state folder on a Unix socket until it is stopped (docs/broker.md).
 * @throws `broker_running`, `broker_socket_unsafe`, `broker_no_peer_check`, `secrets_unresolved`, system errors
 */
export async function startBroker(jarvis: Jarvis, options: BrokerOptions = {}): Promise<Broker> {
	const {paths, now, record} = jarvis;
	const lookup = options.noPeerCheck ? undefined : await loadPeerLookup();
	const claim = await claimSocket(paths, options.socket ?? paths.brokerSocket);
	const startedAt = now();
	const log = sparingLog(record);
	const ledger = keepLedger(now, log);
	const answers = keepAnswers(jarvis);
	const subscriptions = serveSubscriptions(answers, now);
	const secrets = await keepSecretsLoaded(jarvis, report => {
		tellOfSecrets(jarvis, report);
		answers.clear();
		subscriptions.look();
	}).catch(error => {
		claim.release();
		throw error;
	});
	const renewals = options.keepFresh ? startRenewals(jarvis) : undefined;
	const underWay = new Set<ServerResponse>();
	const streams = new Set<ServerResponse>();
	const ended = Promise.withResolvers<void>();
	let stopping: Promise<void> | undefined;

	const server = createServer({
		keepAliveTimeout: idleTimeoutMs,
		headersTimeout: requestTimeoutMs,
		connectionsCheckingInterval: requestTimeoutMs,
		requestTimeout: requestTimeoutMs,
		maxHeaderSize: maxHeadBytes,
	});
	const connections = guardConnections(server, lookup, log);
	const routes: Routes = {
		...{jarvis, answers, subscriptions, ledger, streams},
		facts: () => ({
			...{version: ownVersion(), protocol, pid: process.pid, stateDir: paths.root, socket: claim.path},
			...{startedAt, keepFresh: renewals !== undefined, peerCheck: lookup !== undefined},
			...{secretsDegraded: secrets.isDegraded()},
			// Who asks how it stands is no news to itself.
			...{connections: connections.open() - 1, requests: ledger.requests(), refused: connections.refused()},
			...{clients: ledger.list(), renewals: renewals?.list() ?? []},
		}),
		stop: () => void stop(),
	};
	server.on('request', async (request, response) => {
		response.sendDate = false;
		if (stopping) response.shouldKeepAlive = false;
		underWay.add(response);
		await answer(routes, connections.peerOf(request.socket), request, response);
		underWay.delete(response);
	});

	let seen = '';
	const lookAround = () => {
		answers.clear();
		const before = seen;
		seen = lookAtState(paths);
		// Other files are watched with these: what failed must not be tried again because one of them changed.
		if (seen !== '' && seen === before) return;
		secrets.look();
		subscriptions.look();
		void renewals?.plan().catch(() => {});
	};

	let unwatch = () => {};
	try {
		await claim.listen(server);
		unwatch = watchState(paths, lookAround);
		lookAround();
	} catch (error) {
		unwatch();
		secrets.stop();
		renewals?.stop();
		server.close();
		claim.hide();
		claim.release();
		throw error;
	}
	// A process that was killed after a refresh may have left a program behind.
	void jarvis.keepInStep();
	record('broker', {note: `started at ${claim.path}${options.keepFresh ? ', keeps tokens fresh' : ''}`});

	function stop(): Promise<void> {
		stopping ??= end().then(ended.resolve, ended.reject);
		return stopping;
	}

	async function end(): Promise<void> {
		unwatch();
		secrets.stop();
		const renewed = renewals?.stop();
		subscriptions.stop();
		// Who comes now finds nobody. Who has asked already is answered, also where that was not read yet.
		claim.hide();
		for (const response of underWay) response.shouldKeepAlive = false;
		for (const response of streams) response.end();
		await new Promise(resolve => setTimeout(resolve, lastCallMs));
		connections.closeExcept(new Set([...underWay].map(response => response.socket)));
		const closed = new Promise<void>(resolve => server.close(() => resolve()));
		const timer = setTimeout(() => server.closeAllConnections(), farewellMs);
		await closed;
		clearTimeout(timer);
		await Promise.all([answers.idle(), renewed]);
		log.flush();
		record('broker', {note: 'stopped'});
		claim.release();
	}

	return {socket: claim.path, stop, ended: ended.promise};
}

function tellOfSecrets({tell}: Jarvis, report: SecretsReport): void {
	if (report.change === 'degraded') {
		tell(`Degraded: the secrets that were loaded before stay in use. ${faultWords(report)}.`);
	}
	if (report.change === 'recovered') tell('Recovered: all secret refs resolve again.');
}

/** What changes whenever the configuration, a profile or a session does; empty where that cannot be told. */
function lookAtState(paths: StatePaths): string {
	try {
		const agents = listAgentIds(paths);
		return lookAt([paths.config, ...agents.map(paths.profiles), ...agents.map(paths.sessions)]);
	} catch {
		// Those who ask are told what is wrong with a file.
		return '';
	}
}
