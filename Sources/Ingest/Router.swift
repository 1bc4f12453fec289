import BrokerModel
import MQTTWire
import Partitions
import RecordFormat

/// Where one record goes, and what its route adds to it. The bytes are borrowed.
struct RoutePlan {
    /// Held by the router for as long as nothing else is asked of it.
    let target: Unmanaged<RouteTopic>
    let key: UnsafeRawBufferPointer?
    /// Of the key; nil where nobody has worked it out yet.
    let keyHash: UInt32?
    let headers: UnsafeRawBufferPointer
    let headerCount: Int
    let isLiveSynced: Bool
}

enum RoutingResult {
    case to(RoutePlan)
    case noRoute
    case topicsFull
}

/// Finds the target of each publish, and keeps what it has worked out. Confined to one loop.
final class Router {
    var table: RouteTable {
        didSet { forgetAll() }
    }
    let counters = IngestCounters()
    /// Called with a topic that is not there yet, before anything is written to it.
    var create: (RouteTopic, Route) -> Void = { _, _ in }
    /// Called with a topic whose partitions are no longer what they were.
    var release: (RouteTopic) -> Void = { _ in }

    private let catalog: TopicCatalog
    private let settings: IngestSettings
    private var generation: Int
    private var snapshot: TopicCatalogSnapshot
    private var topics: [TopicName: RouteTopic] = [:]
    /// Topics that exist and whose names routes derive, as of `snapshot`.
    private var derivedCount = 0
    private var cache: RouteCache
    /// The target of a table that needs no lookup.
    private var direct: RouteTopic?
    private var directRoute: Route?
    private var isDirectKeyed = false
    private var isDirectSynced = false
    private var name = ByteWriter(capacity: TopicName.lengthMax)
    private var scratch = ByteWriter(capacity: 256)
    private var rendered = ByteWriter(capacity: 256)
    /// For what is too large to be kept.
    private var passing = CachedRoute()

    init(settings: IngestSettings, catalog: TopicCatalog) {
        self.catalog = catalog
        self.settings = settings
        generation = catalog.generation
        snapshot = catalog.snapshot
        table = RouteTable(settings.routes)
        cache = RouteCache(entriesMax: settings.routeCacheEntries, seed: .random(in: 0 ... .max))
        forgetAll()
    }

    deinit { passing.storage?.deallocate() }

    /// Nothing in it may be kept past the next call.
    @inline(__always)
    func plan(_ packet: PublishPacket, from origin: PublishOrigin) -> RoutingResult {
        if let direct, packet.topic.first != UInt8(ascii: "$") {
            return .to(
                RoutePlan(
                    target: Unmanaged.passUnretained(direct),
                    key: isDirectKeyed ? packet.topic : nil,
                    keyHash: nil,
                    headers: UnsafeRawBufferPointer(start: nil, count: 0),
                    headerCount: 0,
                    isLiveSynced: isDirectSynced
                )
            )
        }
        return lookUp(packet, from: origin)
    }

    private func lookUp(_ packet: PublishPacket, from origin: PublishOrigin) -> RoutingResult {
        let nobody = UnsafeRawBufferPointer(start: nil, count: 0)
        let anonymous = RoutedPublish(topic: packet.topic, client: nobody)
        if let found = cache.find(anonymous) {
            guard found.pointee.kind == .perClient else {
                return result(of: found.pointee, packet.payload)
            }
            let named = RoutedPublish(topic: packet.topic, client: origin.clientIdentifier)
            if !named.client.isEmpty, let found = cache.find(named) {
                return result(of: found.pointee, packet.payload)
            }
        }
        return workOut(packet, from: origin)
    }

    private func result(
        of entry: CachedRoute,
        _ payload: UnsafeRawBufferPointer
    ) -> RoutingResult {
        guard let target = entry.target else { return .noRoute }
        var key = entry.key
        if entry.usesPayload, case .json(let path) = table.routes[Int(entry.route)].key {
            key = JSONScanner.value(at: path, in: payload, scratch: &scratch)
        }
        if key == nil, entry.usesPayload || entry.lacksKey { counters.keyless.add() }
        return .to(
            RoutePlan(
                target: target,
                key: key,
                keyHash: entry.usesPayload ? nil : entry.keyHash,
                headers: entry.headers,
                headerCount: Int(entry.headerCount),
                isLiveSynced: entry.isLiveSynced
            )
        )
    }
}

// What is worked out once for each MQTT topic.
extension Router {
    private func workOut(_ packet: PublishPacket, from origin: PublishOrigin) -> RoutingResult {
        counters.cacheMisses.add()
        refreshSnapshot()
        rendered.removeAll()
        let nobody = UnsafeRawBufferPointer(start: nil, count: 0)
        let publish = RoutedPublish(topic: packet.topic, client: origin.clientIdentifier)
        var keeper = RoutedPublish(topic: packet.topic, client: nobody)
        if table.dependsOnClient(publish) {
            if cache.find(keeper) == nil { keep(keeper) { $0.kind = .perClient } }
            keeper = publish
        }
        guard let index = table.route(publish, name: &name) else {
            keep(keeper) { $0.kind = .unrouted }
            return .noRoute
        }
        let route = table.routes[index]
        guard let target = target(of: route) else {
            counters.topicsFull.add()
            return .topicsFull
        }
        if let first = directRoute, index == 0, first.topic.literal == target.name {
            direct = target
        }
        return result(of: entry(of: keeper, publish, index, target), packet.payload)
    }

    /// The topic named by `name`; nil when there may be no more of them.
    private func target(of route: Route) -> RouteTopic? {
        guard let wanted = TopicName(String(decoding: name.bytes, as: UTF8.self)) else {
            return nil
        }
        if let known = topics[wanted] { return known }
        let topic = RouteTopic(name: wanted, isDerived: route.topic.isDerived)
        if let entry = snapshot.topic(named: wanted) {
            topic.bind(entry)
            topics[wanted] = topic
            return topic
        }
        guard !topic.isDerived || derivedCount + derivedInCreation < settings.routeTopicsMax else {
            return nil
        }
        topic.waiting = WaitingRecords()
        topics[wanted] = topic
        create(topic, route)
        return topic
    }

    /// Those that were asked for and that the catalog does not show yet.
    private var derivedInCreation: Int {
        topics.values.count {
            $0.isDerived && $0.waiting != nil && snapshot.topic(named: $0.name) == nil
        }
    }

    private func entry(
        of keeper: RoutedPublish,
        _ publish: RoutedPublish,
        _ index: Int,
        _ target: RouteTopic
    ) -> CachedRoute {
        let route = table.routes[index]
        rendered.removeAll()
        var made = CachedRoute()
        made.kind = .routed
        made.route = Int32(truncatingIfNeeded: index)
        made.isLiveSynced = route.live == .synced
        made.target = Unmanaged.passUnretained(target)
        switch route.key {
        case .none: break
        case .json: made.usesPayload = true
        case .template(let template):
            if template.write(publish, to: &rendered) {
                made.keyBytes = Int32(truncatingIfNeeded: rendered.count)
                made.keyHash = Murmur2.hash(rendered.bytes)
            } else {
                rendered.removeAll()
                made.lacksKey = true
            }
        }
        let headersStart = rendered.count
        for header in route.headers {
            scratch.removeAll()
            guard header.value.write(publish, to: &scratch) else { continue }
            header.name.withUnsafeBytes {
                rendered.writeRecordHeader(name: $0, value: scratch.bytes)
            }
            made.headerCount += 1
        }
        made.headerBytes = Int32(truncatingIfNeeded: rendered.count - headersStart)
        return keep(keeper) {
            (made.hash, made.storage, made.storageBytes) = ($0.hash, $0.storage, $0.storageBytes)
            (made.topicBytes, made.clientBytes) = ($0.topicBytes, $0.clientBytes)
            $0 = made
        }
    }

    /// Keeps an entry under this topic and client, with what was rendered behind them. What is too
    /// large stays until the next one only, and so does what a publish of nobody finds where
    /// clients differ.
    @discardableResult
    private func keep(
        _ keeper: RoutedPublish,
        _ fill: (inout CachedRoute) -> Void
    ) -> CachedRoute {
        let names = keeper.topic.count + keeper.client.count
        let size = names + rendered.count
        guard size <= RouteCache.entryBytesMax, cache.find(keeper) == nil else {
            write(keeper, size, to: &passing)
            fill(&passing)
            return passing
        }
        let before = cache.evictions
        let entry = cache.insert(keeper)
        counters.cacheEvictions.add(cache.evictions - before)
        write(keeper, size, to: &entry.pointee)
        fill(&entry.pointee)
        return entry.pointee
    }

    private func write(_ keeper: RoutedPublish, _ size: Int, to entry: inout CachedRoute) {
        let storage = UnsafeMutableRawBufferPointer(start: entry.reserve(size), count: size)
        let topic = UnsafeMutableRawBufferPointer(rebasing: storage[..<keeper.topic.count])
        topic.copyMemory(from: keeper.topic)
        let rest = UnsafeMutableRawBufferPointer(rebasing: storage[keeper.topic.count...])
        UnsafeMutableRawBufferPointer(rebasing: rest[..<keeper.client.count])
            .copyMemory(from: keeper.client)
        UnsafeMutableRawBufferPointer(rebasing: rest[keeper.client.count...])
            .copyMemory(from: rendered.bytes)
        entry.topicBytes = Int32(truncatingIfNeeded: keeper.topic.count)
        entry.clientBytes = Int32(truncatingIfNeeded: keeper.client.count)
    }
}

// Topics that come and go.
extension Router {
    /// A look at whether topics were made, deleted or changed; cheap when none was.
    @inline(__always)
    func refresh() {
        guard catalog.generation != generation else { return }
        refreshSnapshot()
    }

    private func refreshSnapshot() {
        let current = catalog.generation
        guard current != generation else { return }
        generation = current
        snapshot = catalog.snapshot
        derivedCount = snapshot.topics.count { !$0.isInternal && table.derives($0.name) }
        for topic in Array(topics.values) where topic.waiting == nil {
            guard let entry = snapshot.topic(named: topic.name) else {
                forget(topic)
                continue
            }
            if entry.id == topic.id, entry.partitions.count == topic.handles.count {
                topic.change(entry.settings, limits: settings)
            } else {
                release(topic)
                topic.bind(entry)
            }
        }
    }

    /// A topic that was asked for is there. False when it is already gone again.
    func created(_ topic: RouteTopic, _ entry: TopicEntry) -> Bool {
        refreshSnapshot()
        guard snapshot.topic(named: topic.name)?.id == entry.id else {
            failed(topic)
            return false
        }
        topic.bind(entry)
        return true
    }

    /// A topic could not be made: the next publish to it tries again.
    func failed(_ topic: RouteTopic) {
        forget(topic)
    }

    private func forget(_ topic: RouteTopic) {
        release(topic)
        topics[topic.name] = nil
        if direct === topic { direct = nil }
        // Entries point to it.
        cache.removeAll()
    }

    private func forgetAll() {
        for topic in topics.values { release(topic) }
        topics = [:]
        cache.removeAll()
        direct = nil
        directRoute = table.catchAll
        isDirectKeyed = directRoute?.key == .topic
        isDirectSynced = directRoute?.live == .synced
        derivedCount = snapshot.topics.count { !$0.isInternal && table.derives($0.name) }
    }
}
