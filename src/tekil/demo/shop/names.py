"""Names, places and numbers of the sample shop's made-up people."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WOMEN_TR = _words(
    "Ayşe Fatma Emine Hatice Zeynep Elif Meryem Şerife Zehra Sultan Hanife Merve Havva Zeliha Esra "
    "Fadime Özlem Hacer Yasemin Melek Büşra Gülşen Kübra Songül Ebru Leyla Tuğba Gamze Derya Sevgi "
    "Aslı Çiğdem Dilek Filiz Gizem İrem İpek Nazlı Pınar Seda Sibel Şule Tülay Ümran Yıldız Ceren "
    "Defne Ecrin Nisa Beyza Damla Ezgi Hülya Nurgül Işıl Cansu Begüm Duygu Selin Ece"
)
MEN_TR = _words(
    "Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim İsmail Osman Yusuf Murat Ömer Ramazan Halil "
    "Süleyman Abdullah Mahmut Recep Salih Fatih Kadir Emre Hakan Adem Kemal Yaşar Bekir Orhan Musa "
    "Burak Serkan Çağlar Cem Deniz Engin Erdem Ferhat Gökhan Ilgaz İlker Kaan Levent Onur Özgür "
    "Selçuk Sinan Şükrü Tolga Tuğrul Uğur Ümit Volkan Yiğit Barış Berk Çınar Doruk Eren Kerem Tuna"
)
LAST_TR = _words(
    "Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan "
    "Çetin Kara Koç Kurt Özkan Şimşek Polat Korkmaz Çakır Erdoğan Yavuz Can Acar Şen Aktaş Güler "
    "Yalçın Güneş Bozkurt Bulut Keskin Ünal Turan Gül Özer Işık Kaplan Avcı Sarı Tekin Taş Köse "
    "Yüksel Ateş Aksoy Duman Erol Uçar Toprak Ergin Soylu İnce Çiftçi Karaca Uysal Altın Dinç "
    "Sezer Ekinci Bayram Balcı Ertürk Gündüz Sönmez Başaran Tunç Akın Albayrak Oral Bilgin Durmaz"
)
WOMEN_EN = _words(
    "Olivia Emma Amelia Sophia Charlotte Isla Ava Mia Grace Freya Lily Florence Emily Ivy Elsie "
    "Harriet Eleanor Alice Lucy Hannah Chloe Megan Sarah Laura Rebecca Jessica Rachel Victoria "
    "Margaret Abigail Harper Evelyn Elizabeth Ella Scarlett Madison Aria Penelope Nora Hazel"
)
MEN_EN = _words(
    "Oliver George Noah Arthur Harry Leo Jack Charlie Oscar Henry Theodore Freddie Archie Thomas "
    "Daniel James William Samuel Edward Joseph David Matthew Andrew Peter Simon Robert Michael "
    "Liam Ethan Mason Logan Lucas Benjamin Elijah Alexander Owen Caleb Wyatt Nathan Isaac"
)
LAST_EN = _words(
    "Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans "
    "Walker White Roberts Green Hall Wood Harris Martin Jackson Clarke Clark Turner Hill Cooper "
    "Ward Moore Morris King Watson Baker Harrison Morgan Young Allen Mitchell Bennett Campbell "
    "Carter Parker Cook Bailey Shaw Bell Murphy Miller Cox Richardson Marshall Simpson Foster "
    "Garcia Martinez Davis Rodriguez Hernandez Lopez Gonzalez Anderson Perez Sanchez Ramirez "
    "O'Brien O'Connor Fitzgerald Ng Khan Begum Okafor"
)

PLACES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "TR": (
        (
            "İstanbul",
            ("Kadıköy", "Beşiktaş", "Üsküdar", "Şişli", "Bakırköy", "Ümraniye", "Esenyurt"),
        ),
        ("İstanbul", ("Ataşehir", "Maltepe", "Pendik", "Fatih", "Beylikdüzü", "Sarıyer", "Kartal")),
        ("Ankara", ("Çankaya", "Keçiören", "Yenimahalle", "Mamak", "Etimesgut")),
        ("İzmir", ("Karşıyaka", "Bornova", "Konak", "Buca", "Çiğli")),
        ("Bursa", ("Nilüfer", "Osmangazi", "Yıldırım", "İnegöl")),
        ("Antalya", ("Muratpaşa", "Kepez", "Konyaaltı", "Alanya")),
        ("Adana", ("Seyhan", "Çukurova", "Yüreğir")),
        ("Konya", ("Selçuklu", "Meram", "Karatay")),
        ("Gaziantep", ("Şahinbey", "Şehitkamil")),
        ("Şanlıurfa", ("Haliliye", "Eyyübiye")),
        ("Kocaeli", ("İzmit", "Gebze", "Darıca")),
        ("Mersin", ("Yenişehir", "Tarsus", "Mezitli")),
        ("Diyarbakır", ("Bağlar", "Kayapınar")),
        ("Eskişehir", ("Tepebaşı", "Odunpazarı")),
        ("Samsun", ("İlkadım", "Atakum")),
        ("Trabzon", ("Ortahisar", "Akçaabat")),
        ("Muğla", ("Bodrum", "Fethiye", "Marmaris")),
        ("Iğdır", ("Merkez",)),
        ("Kahramanmaraş", ("Onikişubat", "Dulkadiroğlu")),
    ),
    "GB": (
        ("London", ("Hackney", "Camden", "Croydon", "Ealing", "Greenwich", "Islington")),
        ("Manchester", ("Didsbury", "Salford", "Chorlton")),
        ("Birmingham", ("Edgbaston", "Solihull")),
        ("Leeds", ("Headingley", "Roundhay")),
        ("Glasgow", ("Govan", "Partick")),
        ("Edinburgh", ("Leith", "Morningside")),
        ("Bristol", ("Clifton", "Southville")),
        ("Liverpool", ("Wavertree", "Allerton")),
        ("Cardiff", ("Canton", "Roath")),
        ("Belfast", ("Ormeau", "Stranmillis")),
    ),
    "US": (
        ("New York", ("Brooklyn", "Queens", "Manhattan", "The Bronx")),
        ("Los Angeles", ("Pasadena", "Burbank", "Glendale")),
        ("Chicago", ("Lincoln Park", "Hyde Park")),
        ("Houston", ("Midtown", "Montrose")),
        ("Boston", ("Cambridge", "Somerville")),
        ("Seattle", ("Ballard", "Fremont")),
        ("San Francisco", ("Mission", "Sunset")),
        ("Austin", ("Hyde Park", "Zilker")),
        ("Denver", ("Highland", "Baker")),
        ("Philadelphia", ("Fishtown", "Manayunk")),
    ),
}

MAILBOXES_TR = (
    "gmail.example", "gmail.example", "gmail.example", "hotmail.example", "outlook.example",
    "yandex.example", "icloud.example", "mynet.example", "posta.example",
)  # fmt: skip
MAILBOXES_EN = (
    "gmail.example", "gmail.example", "outlook.example", "yahoo.example", "icloud.example",
    "proton.example", "btinternet.example", "aol.example",
)  # fmt: skip
MISTYPED = {
    "gmail.example": ("gmial.example", "gmai.example", "gmail.exampel", "gnail.example"),
    "hotmail.example": ("hotmial.example", "hotmal.example"),
    "outlook.example": ("outlok.example", "outllook.example"),
    "yahoo.example": ("yaho.example",),
    "icloud.example": ("iclod.example",),
}
"""What fingers make of the common mail hosts."""

# Subscriber parts that begin with 0 look real enough; for Britain and America the ranges are the
# ones that the regulators keep for fiction.
MOBILE_TR = _words(
    "530 531 532 533 534 535 536 537 538 539 541 542 543 544 545 546 505 506 507 551 552 553 554"
)
FICTION_GB = _words(
    "207946 113496 114496 115496 116496 117496 118496 121496 131496 141496 151496 161496"
)
FICTION_US = _words(
    "212 213 312 713 617 206 415 512 303 215 404 305 602 702 503 612 "
    "313 216 412 314 816 615 504 407 813 704 919 804 410 202 201 516 "
    "914 203 401 603 207 802 518 716 585 315 607 845 631 718 646 917 "
)

ASCII = str.maketrans("çğıöşüÇĞİÖŞÜ'", "cgiosuCGIOSU-")
"""Turkish letters as they are typed where a form or a till takes only ASCII."""

STORES = {
    "TR": ("Lale Nişantaşı", "Lale Kızılay", "Lale Alsancak", "Lale Nilüfer", "Lale Kadıköy"),
    "GB": ("Lale Covent Garden", "Lale Trafford"),
    "US": ("Lale SoHo", "Lale Michigan Ave"),
}
FRANCHISES = ("Iğdır Lale", "Şanlıurfa Lale", "Çorum Lale", "Muğla Lale", "Üsküp Yolu Lale")
